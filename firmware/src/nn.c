#include "nn.h"

#include <string.h>

typedef struct {
  int first, last; /* kernel positions inside the picture, last excluded */
  int origin;      /* picture coordinate of kernel position 0 */
} span;

static span taps_inside(const nn_layer *l, int out, int padding) {
  span s = {0, l->kernel, out * l->stride - padding};
  if (s.origin < 0) s.first = -s.origin;
  if (s.origin + s.last > l->in_side) s.last = l->in_side - s.origin;
  return s;
}

static int8_t clamp(int32_t value) {
  return (int8_t)(value > 127 ? 127 : value < -128 ? -128 : value);
}

static int8_t requantize(const nn_layer *l, unsigned channel, int32_t sum) {
  unsigned bits = (unsigned)(31 + l->shift[channel]);
  int64_t scaled = (int64_t)sum * l->multiplier[channel] + ((int64_t)1 << (bits - 1));
  return clamp((int32_t)(scaled >> bits) + l->out_zero);
}

static const int8_t *pixel_at(const nn_layer *l, const int8_t *in, int y, int x) {
  return in + (y * l->in_side + x) * l->in_channels;
}

typedef struct {
  const int8_t *from; /* the input pixel */
  unsigned weight;    /* its first weight within an output channel */
} tap;

/* The taps of one output pixel, found once for all its channels. */
static unsigned find_taps(const nn_layer *l, const int8_t *in, span ys, span xs, tap *taps) {
  unsigned count = 0, depth = l->op == NN_DEPTHWISE ? 1 : l->in_channels;
  for (int ky = ys.first; ky < ys.last; ky++) {
    for (int kx = xs.first; kx < xs.last; kx++) {
      taps[count].from = pixel_at(l, in, ys.origin + ky, xs.origin + kx);
      taps[count++].weight = (unsigned)(ky * l->kernel + kx) * depth;
    }
  }
  return count;
}

/* One weight for each tap: depthwise, and convolution of a single channel. */
static int32_t sum_single(const tap *taps, unsigned count, const int8_t *weights, unsigned channel,
                          int32_t zero) {
  int32_t sum = 0;
  for (unsigned t = 0; t < count; t++) {
    sum += (taps[t].from[channel] - zero) * weights[taps[t].weight];
  }
  return sum;
}

static int32_t sum_deep(const tap *taps, unsigned count, const int8_t *weights, unsigned depth,
                        int32_t zero) {
  int32_t sum = 0;
  for (unsigned t = 0; t < count; t++) {
    const int8_t *x = taps[t].from, *w = weights + taps[t].weight, *end = x + depth;
    while (x < end) sum += (*x++ - zero) * *w++;
  }
  return sum;
}

static void weigh_pixel(const nn_layer *l, const int8_t *in, span ys, span xs, int8_t *out) {
  tap taps[NN_KERNEL_MAX * NN_KERNEL_MAX];
  unsigned count = find_taps(l, in, ys, xs, taps);
  bool depthwise = l->op == NN_DEPTHWISE;
  unsigned depth = depthwise ? 1 : l->in_channels;
  unsigned per_channel = (unsigned)l->kernel * l->kernel * depth;
  const int8_t *weights = l->weights;
  for (unsigned channel = 0; channel < l->out_channels; channel++, weights += per_channel) {
    int32_t sum = depth == 1
                      ? sum_single(taps, count, weights, depthwise ? channel : 0, l->in_zero)
                      : sum_deep(taps, count, weights, depth, l->in_zero);
    out[channel] = requantize(l, channel, sum + l->bias[channel]);
  }
}

static void pool_pixel(const nn_layer *l, const int8_t *in, span ys, span xs, int8_t *out) {
  int32_t count = (ys.last - ys.first) * (xs.last - xs.first);
  for (unsigned channel = 0; channel < l->out_channels; channel++) {
    int32_t most = -128, sum = 0;
    for (int ky = ys.first; ky < ys.last; ky++) {
      for (int kx = xs.first; kx < xs.last; kx++) {
        int32_t value = pixel_at(l, in, ys.origin + ky, xs.origin + kx)[channel];
        if (value > most) most = value;
        sum += value + 128;
      }
    }
    out[channel] = (int8_t)(l->op == NN_MAXPOOL ? most : (sum + count / 2) / count - 128);
  }
}

static void compute_row(const nn_layer *l, const int8_t *in, int8_t *out, int row) {
  bool pool = l->op == NN_MAXPOOL || l->op == NN_AVGPOOL;
  int padding = pool || l->op == NN_DENSE ? 0 : (l->kernel - 1) / 2;
  span ys = taps_inside(l, row, padding);
  for (int x = 0; x < l->out_side; x++) {
    span xs = taps_inside(l, x, padding);
    int8_t *at = out + (row * l->out_side + x) * l->out_channels;
    if (pool) {
      pool_pixel(l, in, ys, xs, at);
    } else {
      weigh_pixel(l, in, ys, xs, at);
    }
  }
}

bool nn_start(nn_run *run, const nn_model *m, const int8_t pixels[NN_PIXELS]) {
  for (unsigned i = 0; i < m->layer_count; i++) {
    const nn_layer *l = &m->layers[i];
    bool fits = (unsigned)l->out_side * l->out_side * l->out_channels <= NN_TENSOR_MAX;
    bool pool = l->op == NN_MAXPOOL || l->op == NN_AVGPOOL;
    if (!fits || (!pool && l->kernel > NN_KERNEL_MAX)) return false;
  }
  run->model = m;
  run->layer = run->row = 0;
  memcpy(run->tensors[0], pixels, NN_PIXELS);
  return true;
}

bool nn_step(nn_run *run) {
  if (run->layer == run->model->layer_count) return true;
  const nn_layer *l = &run->model->layers[run->layer];
  compute_row(l, run->tensors[run->layer & 1], run->tensors[(run->layer + 1) & 1], run->row);
  if (++run->row < l->out_side) return false;
  run->row = 0;
  return ++run->layer == run->model->layer_count;
}

int8_t nn_logit(const nn_run *run, unsigned index) {
  return run->tensors[run->model->layer_count & 1][index];
}

uint16_t nn_score(const nn_run *run) {
  return run->model->scores[nn_logit(run, 1) - nn_logit(run, 0) + 255];
}
