/**
 * The data set: synthetic silhouettes, 24 × 24 pixels of 8 bits. A person is a head above shoulders
 * and a torso; everything else is furniture, bars, balls, corners and shades. It teaches a network
 * to tell these shapes apart and nothing about real rooms; the model card says so too.
 */
import { Random } from "./random.ts";

export const SIDE = 24;
export const LABELS = ["empty", "person"] as const;

export interface Picture {
  /** Pixel − 128, row by row. */
  pixels: Int8Array;
  /** Index in `LABELS`. */
  label: 0 | 1;
}

type Shape = (x: number, y: number) => boolean;

function person(random: Random): Shape {
  const x0 = random.between(7, 17), y0 = random.between(5, 10);
  const head = random.between(2.2, 3.8);
  const shoulder = head * random.between(1.6, 2.3);
  const slope = random.between(1.2, 2.2), length = random.between(7, 12);
  return (x, y) => {
    const below = y - y0 - head;
    const inHead = (x - x0) ** 2 + ((y - y0) / 1.15) ** 2 < head * head;
    return inHead ||
      (below > 0 && below < length && Math.abs(x - x0) < Math.min(shoulder, below * slope + 1));
  };
}

function anythingElse(random: Random): Shape {
  const x0 = random.between(5, 19), y0 = random.between(5, 19);
  const a = random.between(2.5, 6), b = random.between(2.5, 6);
  const shapes: Shape[] = [
    (x, y) => (x - x0) ** 2 + (y - y0) ** 2 < a * a * 1.6,
    (x) => Math.abs(x - x0) < a * 0.6,
    (_, y) => Math.abs(y - y0) < b * 0.6,
    (x, y) => Math.abs(x - x0) < a && Math.abs(y - y0) < b,
    (x, y) => Math.abs(x - x0 + y - y0) < a,
    (x, y) => x > x0 && y > y0,
    (x, y) => (x - x0) ** 2 + (y - y0) ** 2 < a * a && y < y0, // half a ball
    (x, y) => Math.abs(x - x0) < a && y > y0 && (x + y) % 6 < 3, // a striped box
    () => false,
  ];
  return shapes[random.below(shapes.length)]!;
}

/** One picture: a shape, lighter or darker than a shaded ground, and noise. */
export function drawPicture(random: Random): Picture {
  const label = random.chance(0.5) ? 1 : 0;
  const shape = label ? person(random) : anythingElse(random);
  const ground = random.between(40, 160);
  const ink = ground + (random.chance(0.5) ? -1 : 1) * random.between(45, 110);
  const shadeX = random.between(-3, 3), shadeY = random.between(-3, 3);
  const noise = random.between(3, 13);
  const pixels = new Int8Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const light = shape(x, y) ? ink : ground + shadeX * (x - 12) + shadeY * (y - 12);
      const value = Math.round(light + random.normal() * noise);
      pixels[y * SIDE + x] = Math.min(255, Math.max(0, value)) - 128;
    }
  }
  return { pixels, label };
}

export function drawPictures(seed: number, count: number): Picture[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => drawPicture(random));
}
