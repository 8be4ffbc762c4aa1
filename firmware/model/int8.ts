/**
 * The network in 8 bits, as the C kernels compute it, bit for bit.
 *
 * Weights are symmetric per output channel, activations have one zero point per tensor, sums are
 * 32 bits. A sum becomes an output by multiplier / 2^(31 + shift), rounded half up, plus the zero
 * point, clamped to 8 bits. Products stay below 2^53 (checked by the quantiser), so that JavaScript
 * numbers hold them exactly.
 */
import { eachTap, fanIn, hasWeights, type LayerShape } from "./layers.ts";

export interface Int8Layer {
  shape: LayerShape;
  inZero: number;
  outZero: number;
  weights: number[];
  bias: number[];
  multiplier: number[];
  shift: number[];
}

export interface Int8Model {
  name: string;
  labels: readonly string[];
  layers: Int8Layer[];
  /** Probability of label 1 in 1/10000 for each difference of the two logits, −255 … 255. */
  scores: number[];
}

/** A model as it rests: one line about the whole, then one line for each layer. */
export function formatModel({ layers, ...about }: Int8Model): string {
  return [about, ...layers].map((line) => JSON.stringify(line) + "\n").join("");
}

export function parseModel(text: string): Int8Model {
  const [about, ...layers] = text.trim().split("\n").map((line) => JSON.parse(line));
  return { ...about, layers };
}

export function clampInt8(value: number): number {
  return value > 127 ? 127 : value < -128 ? -128 : value;
}

export function requantize(
  sum: number,
  scale: { multiplier: number; shift: number; zero: number },
): number {
  const bits = 31 + scale.shift;
  const scaled = Math.floor((sum * scale.multiplier + 2 ** (bits - 1)) / 2 ** bits);
  return clampInt8(scaled + scale.zero);
}

function weigh(layer: Int8Layer, input: Int8Array, at: { y: number; x: number; channel: number }) {
  const { shape, inZero, weights } = layer;
  const base = at.channel * fanIn(shape);
  let sum = layer.bias[at.channel]!;
  eachTap(shape, at, (from, tap) => {
    if (shape.operator === "depthwise") {
      sum += (input[from + at.channel]! - inZero) * weights[base + tap]!;
      return;
    }
    const weight = base + tap * shape.inChannels;
    for (let i = 0; i < shape.inChannels; i++) {
      sum += (input[from + i]! - inZero) * weights[weight + i]!;
    }
  });
  const multiplier = layer.multiplier[at.channel]!, shift = layer.shift[at.channel]!;
  return requantize(sum, { multiplier, shift, zero: layer.outZero });
}

function pool(layer: Int8Layer, input: Int8Array, at: { y: number; x: number; channel: number }) {
  let most = -128, sum = 0, count = 0;
  eachTap(layer.shape, at, (from) => {
    const value = input[from + at.channel]!;
    most = Math.max(most, value);
    sum += value + 128;
    count++;
  });
  return layer.shape.operator === "maxpool" ? most : Math.floor((sum + (count >> 1)) / count) - 128;
}

export function runInt8Layer(layer: Int8Layer, input: Int8Array): Int8Array {
  const { outSide, outChannels } = layer.shape;
  const output = new Int8Array(outSide ** 2 * outChannels);
  let next = 0;
  for (let y = 0; y < outSide; y++) {
    for (let x = 0; x < outSide; x++) {
      for (let channel = 0; channel < outChannels; channel++) {
        const at = { y, x, channel };
        output[next++] = hasWeights(layer.shape) ? weigh(layer, input, at) : pool(layer, input, at);
      }
    }
  }
  return output;
}

/** The two logits of a picture. */
export function infer(model: Int8Model, pixels: Int8Array): [number, number] {
  let tensor = pixels;
  for (const layer of model.layers) tensor = runInt8Layer(layer, tensor);
  return [tensor[0]!, tensor[1]!];
}

/** Probability of label 1 in 1/10000. */
export function scoreOf(model: Int8Model, logits: [number, number]): number {
  return model.scores[logits[1] - logits[0] + 255]!;
}
