/**
 * The network in floating point: forward, backward, and training by stochastic gradient
 * descent.
 */
import { eachTap, fanIn, hasWeights, type LayerShape } from "./layers.ts";
import type { Random } from "./random.ts";
import type { Picture } from "./silhouettes.ts";

/** A layer with its weights, by output channel; pools have none. */
export interface FloatLayer {
  shape: LayerShape;
  weights: Float32Array;
  bias: Float32Array;
  /** Taps of each output pixel: input offset, weight offset; found once, used in every pass. */
  taps: Int32Array[];
}

export function buildNetwork(shapes: LayerShape[], random: Random): FloatLayer[] {
  return shapes.map((shape) => {
    const count = hasWeights(shape) ? shape.outChannels * fanIn(shape) : 0;
    const spread = Math.sqrt(2 / fanIn(shape));
    return {
      shape,
      weights: Float32Array.from({ length: count }, () => random.normal() * spread),
      bias: new Float32Array(hasWeights(shape) ? shape.outChannels : 0),
      taps: findTaps(shape),
    };
  });
}

function findTaps(shape: LayerShape): Int32Array[] {
  const step = shape.operator === "depthwise" ? 1 : shape.inChannels;
  return Array.from({ length: shape.outSide ** 2 }, (_, pixel) => {
    const taps: number[] = [];
    const at = { y: Math.floor(pixel / shape.outSide), x: pixel % shape.outSide };
    eachTap(shape, at, (input, tap) => taps.push(input, tap * step));
    return Int32Array.from(taps);
  });
}

/** Outputs of every layer, the input first. */
export function forward(network: FloatLayer[], picture: Picture): Float32Array<ArrayBuffer>[] {
  const outputs = [Float32Array.from(picture.pixels, (pixel) => pixel / 128)];
  for (const layer of network) outputs.push(runLayer(layer, outputs.at(-1)!));
  return outputs;
}

function runLayer(layer: FloatLayer, input: Float32Array): Float32Array<ArrayBuffer> {
  const { shape, taps } = layer;
  const output = new Float32Array(shape.outSide ** 2 * shape.outChannels);
  for (let pixel = 0; pixel < taps.length; pixel++) {
    const at = pixel * shape.outChannels;
    for (let channel = 0; channel < shape.outChannels; channel++) {
      const value = hasWeights(shape)
        ? weigh(layer, input, taps[pixel]!, channel)
        : pool(layer, input, taps[pixel]!, channel);
      output[at + channel] = shape.relu && value < 0 ? 0 : value;
    }
  }
  return output;
}

function weigh(layer: FloatLayer, input: Float32Array, taps: Int32Array, channel: number): number {
  const { shape, weights } = layer;
  const base = channel * fanIn(shape);
  let sum = layer.bias[channel]!;
  for (let tap = 0; tap < taps.length; tap += 2) {
    const from = taps[tap]!, weight = base + taps[tap + 1]!;
    if (shape.operator === "depthwise") sum += input[from + channel]! * weights[weight]!;
    else for (let i = 0; i < shape.inChannels; i++) sum += input[from + i]! * weights[weight + i]!;
  }
  return sum;
}

function pool(layer: FloatLayer, input: Float32Array, taps: Int32Array, channel: number): number {
  let most = -Infinity, sum = 0;
  for (let tap = 0; tap < taps.length; tap += 2) {
    const value = input[taps[tap]! + channel]!;
    sum += value;
    if (value > most) most = value;
  }
  return layer.shape.operator === "maxpool" ? most : sum / (taps.length / 2);
}

interface Gradient {
  weights: Float32Array;
  bias: Float32Array;
}

/** Gradient of one layer's weights added to `gradient`, of its input returned. */
function backLayer(
  layer: FloatLayer,
  pass: { input: Float32Array; output: Float32Array; error: Float32Array },
  gradient: Gradient,
): Float32Array<ArrayBuffer> {
  const { shape, taps } = layer;
  const inputError = new Float32Array(pass.input.length);
  for (let pixel = 0; pixel < taps.length; pixel++) {
    for (let channel = 0; channel < shape.outChannels; channel++) {
      const at = pixel * shape.outChannels + channel;
      const error = shape.relu && pass.output[at]! <= 0 ? 0 : pass.error[at]!;
      if (error === 0) continue;
      const place = { taps: taps[pixel]!, channel, error, value: pass.output[at]! };
      if (hasWeights(shape)) backWeights(layer, pass.input, { ...place, gradient, inputError });
      else backPool(layer, pass.input, { ...place, inputError });
    }
  }
  return inputError;
}

function backWeights(
  layer: FloatLayer,
  input: Float32Array,
  at: {
    taps: Int32Array;
    channel: number;
    error: number;
    gradient: Gradient;
    inputError: Float32Array;
  },
): void {
  const { shape, weights } = layer;
  const { taps, channel, error, gradient, inputError } = at;
  const base = channel * fanIn(shape);
  const depth = shape.operator === "depthwise" ? 1 : shape.inChannels;
  const shift = shape.operator === "depthwise" ? channel : 0;
  gradient.bias[channel]! += error;
  for (let tap = 0; tap < taps.length; tap += 2) {
    const from = taps[tap]! + shift, weight = base + taps[tap + 1]!;
    for (let i = 0; i < depth; i++) {
      gradient.weights[weight + i]! += error * input[from + i]!;
      inputError[from + i]! += error * weights[weight + i]!;
    }
  }
}

function backPool(
  layer: FloatLayer,
  input: Float32Array,
  at: {
    taps: Int32Array;
    channel: number;
    error: number;
    value: number;
    inputError: Float32Array;
  },
): void {
  const share = layer.shape.operator === "avgpool" ? at.error / (at.taps.length / 2) : at.error;
  for (let tap = 0; tap < at.taps.length; tap += 2) {
    const from = at.taps[tap]! + at.channel;
    if (layer.shape.operator === "avgpool") at.inputError[from]! += share;
    else if (input[from] === at.value) {
      at.inputError[from]! += share;
      return;
    }
  }
}

/** Probability error of two logits against the label. */
function logitError(logits: Float32Array, label: number): Float32Array<ArrayBuffer> {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return Float32Array.from(powers, (power, index) => power / sum - (index === label ? 1 : 0));
}

function addGradients(network: FloatLayer[], picture: Picture, gradients: Gradient[]): void {
  const outputs = forward(network, picture);
  let error = logitError(outputs.at(-1)!, picture.label);
  for (let index = network.length - 1; index >= 0; index--) {
    const pass = { input: outputs[index]!, output: outputs[index + 1]!, error };
    error = backLayer(network[index]!, pass, gradients[index]!);
  }
}

export interface TrainingPlan {
  epochs: number;
  batch: number;
  rate: number;
  /** Factor of the rate from one epoch to the next. */
  decay: number;
  momentum: number;
}

/** Trains in place, in the order of the pictures, so that equal input gives equal weights. */
export function train(network: FloatLayer[], pictures: Picture[], plan: TrainingPlan): void {
  const moments = network.map(emptyGradient);
  for (let epoch = 0; epoch < plan.epochs; epoch++) {
    const rate = plan.rate * plan.decay ** epoch;
    for (let at = 0; at < pictures.length; at += plan.batch) {
      const batch = pictures.slice(at, at + plan.batch);
      const gradients = network.map(emptyGradient);
      for (const picture of batch) addGradients(network, picture, gradients);
      network.forEach((layer, index) => {
        const [gradient, moment] = [gradients[index]!, moments[index]!];
        const step = { rate: rate / batch.length, momentum: plan.momentum };
        descend(layer.weights, { gradient: gradient.weights, moment: moment.weights, ...step });
        descend(layer.bias, { gradient: gradient.bias, moment: moment.bias, ...step });
      });
    }
  }
}

function emptyGradient(layer: FloatLayer): Gradient {
  return {
    weights: new Float32Array(layer.weights.length),
    bias: new Float32Array(layer.bias.length),
  };
}

function descend(
  values: Float32Array,
  step: { gradient: Float32Array; moment: Float32Array; rate: number; momentum: number },
): void {
  for (let i = 0; i < values.length; i++) {
    step.moment[i] = step.momentum * step.moment[i]! - step.rate * step.gradient[i]!;
    values[i]! += step.moment[i]!;
  }
}
