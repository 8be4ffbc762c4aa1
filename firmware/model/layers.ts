/**
 * What a network is made of, for the trainer, the quantiser, the reference and the C code alike.
 * Tensors are height × width × channels, channels fastest. "Same" padding: (kernel − 1) / 2 in
 * front. To drop in another model of these operators, give `generate.ts` another list of layers.
 */

export type Operator = "conv" | "depthwise" | "maxpool" | "avgpool" | "dense";

export interface LayerShape {
  operator: Operator;
  kernel: number;
  stride: number;
  /** Whether negative results become zero. */
  relu: boolean;
  inSide: number;
  inChannels: number;
  outSide: number;
  outChannels: number;
}

/** A layer as it is written down; the input's shape follows from the layer before. */
export interface LayerPlan {
  operator: Operator;
  kernel?: number;
  stride?: number;
  channels?: number;
  relu?: boolean;
}

export function planShapes(side: number, channels: number, plans: LayerPlan[]): LayerShape[] {
  return plans.map((plan) => {
    const kernel = plan.operator === "dense" ? side : plan.kernel ?? 1;
    const pool = plan.operator === "maxpool" || plan.operator === "avgpool";
    const stride = plan.stride ?? (pool ? kernel : 1);
    const shape: LayerShape = {
      operator: plan.operator,
      kernel,
      stride,
      relu: plan.relu ?? false,
      inSide: side,
      inChannels: channels,
      outSide: plan.operator === "dense" ? 1 : Math.ceil(side / stride),
      outChannels: plan.channels ?? channels,
    };
    side = shape.outSide;
    channels = shape.outChannels;
    return shape;
  });
}

export function hasWeights(shape: LayerShape): boolean {
  return shape.operator !== "maxpool" && shape.operator !== "avgpool";
}

/** Weights of one output channel. */
export function fanIn(shape: LayerShape): number {
  const area = shape.kernel * shape.kernel;
  return shape.operator === "depthwise" ? area : area * shape.inChannels;
}

/** Calls `visit` with input and weight offset of every tap of an output pixel that lies inside. */
export function eachTap(
  shape: LayerShape,
  at: { y: number; x: number },
  visit: (pixel: number, tap: number) => void,
): void {
  const pool = !hasWeights(shape) || shape.operator === "dense";
  const padding = pool ? 0 : (shape.kernel - 1) >> 1;
  for (let ky = 0; ky < shape.kernel; ky++) {
    const y = at.y * shape.stride + ky - padding;
    if (y < 0 || y >= shape.inSide) continue;
    for (let kx = 0; kx < shape.kernel; kx++) {
      const x = at.x * shape.stride + kx - padding;
      if (x < 0 || x >= shape.inSide) continue;
      visit((y * shape.inSide + x) * shape.inChannels, ky * shape.kernel + kx);
    }
  }
}
