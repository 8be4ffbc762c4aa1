/** From floating point to 8 bits: ranges by calibration, one scale per output channel. */
import type { Int8Layer, Int8Model } from "./int8.ts";
import { fanIn, hasWeights } from "./layers.ts";
import { type FloatLayer, forward } from "./network.ts";
import type { Picture } from "./silhouettes.ts";

/** A value is (stored − zero) × scale. */
interface Range {
  scale: number;
  zero: number;
}

/** Sums beyond this could leave the exact range of products in the reference. */
const SUM_LIMIT = 2 ** 22;

/** The scale of each tensor: after ReLU from zero up, else symmetric. Pools keep their input's. */
function calibrate(network: FloatLayer[], pictures: Picture[]): Range[] {
  const most = new Array<number>(network.length + 1).fill(1e-6);
  for (const picture of pictures) {
    forward(network, picture).forEach((tensor, index) => {
      for (const value of tensor) most[index] = Math.max(most[index]!, Math.abs(value));
    });
  }
  const ranges: Range[] = [{ scale: 1 / 128, zero: 0 }];
  network.forEach((layer, index) => {
    if (!hasWeights(layer.shape)) ranges.push(ranges.at(-1)!);
    else if (layer.shape.relu) ranges.push({ scale: most[index + 1]! / 255, zero: -128 });
    else ranges.push({ scale: most[index + 1]! / 127, zero: 0 });
  });
  return ranges;
}

/** real = multiplier / 2^(31 + shift), multiplier in 2^30 … 2^31. */
function splitScale(real: number): { multiplier: number; shift: number } {
  let shift = 0;
  while (real < 0.5) {
    real *= 2;
    shift++;
  }
  while (real >= 1) {
    real /= 2;
    shift--;
  }
  const multiplier = Math.round(real * 2 ** 31);
  return multiplier === 2 ** 31 ? { multiplier: 2 ** 30, shift: shift - 1 } : { multiplier, shift };
}

function quantizeLayer(layer: FloatLayer, from: Range, to: Range): Int8Layer {
  const quantized: Int8Layer = {
    shape: layer.shape,
    inZero: from.zero,
    outZero: to.zero,
    weights: [],
    bias: [],
    multiplier: [],
    shift: [],
  };
  if (!hasWeights(layer.shape)) return quantized;
  const count = fanIn(layer.shape);
  for (let channel = 0; channel < layer.shape.outChannels; channel++) {
    const weights = layer.weights.subarray(channel * count, (channel + 1) * count);
    const scale = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 1e-9) / 127;
    const stored = Array.from(weights, (weight) => Math.round(weight / scale));
    const bias = Math.round(layer.bias[channel]! / (from.scale * scale));
    const worst = stored.reduce((sum, weight) => sum + Math.abs(weight) * 255, Math.abs(bias));
    if (worst >= SUM_LIMIT) throw new Error(`A sum of channel ${channel} may reach ${worst}`);
    const { multiplier, shift } = splitScale(from.scale * scale / to.scale);
    quantized.weights.push(...stored);
    quantized.bias.push(bias);
    quantized.multiplier.push(multiplier);
    quantized.shift.push(shift);
  }
  return quantized;
}

export function quantize(
  network: FloatLayer[],
  pictures: Picture[],
  about: { name: string; labels: readonly string[] },
): Int8Model {
  const ranges = calibrate(network, pictures);
  const layers = network.map((layer, index) =>
    quantizeLayer(layer, ranges[index]!, ranges[index + 1]!)
  );
  const logitScale = ranges.at(-1)!.scale;
  const scores = Array.from(
    { length: 511 },
    (_, index) => Math.round(10000 / (1 + Math.exp(-(index - 255) * logitScale))),
  );
  return { ...about, layers, scores };
}
