/* 8-bit inference: convolution, depthwise convolution, dense, pooling. Bit for bit what
 * firmware/model/int8.ts computes.
 *
 * Tensors are height x width x channels, channels fastest, square. Padding is (kernel - 1) / 2 in
 * front and what remains behind. sum = bias + (input - in_zero) * weight; an output is
 * (sum * multiplier + half) >> (31 + shift), plus out_zero, clamped to 8 bits.
 * The work is cut into rows, so that a main loop can do other things between them. */
#ifndef NN_H
#define NN_H
#include <stdbool.h>
#include <stdint.h>

enum { NN_SIDE = 24, NN_PIXELS = NN_SIDE * NN_SIDE, NN_TENSOR_MAX = 2304,
       NN_KERNEL_MAX = 7 };

typedef enum { NN_CONV, NN_DEPTHWISE, NN_MAXPOOL, NN_AVGPOOL, NN_DENSE } nn_operator;

typedef struct {
  nn_operator op;
  uint8_t kernel, stride;
  uint8_t in_side, in_channels, out_side, out_channels;
  int8_t in_zero, out_zero;
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
} nn_layer;

typedef struct {
  const char *name;
  const nn_layer *layers;
  uint8_t layer_count;
  const uint16_t *scores; /* by difference of the logits + 255: probability of label 1 in 1/10000 */
} nn_model;

extern const nn_model model;

typedef struct {
  const nn_model *model;
  uint8_t layer;
  uint8_t row;
  int8_t tensors[2][NN_TENSOR_MAX];
} nn_run;

/* Takes a copy of the picture (pixel - 128). False for a model whose tensors do not fit. */
bool nn_start(nn_run *run, const nn_model *m, const int8_t pixels[NN_PIXELS]);

/* Computes one row of the present layer; true when the logits are ready. */
bool nn_step(nn_run *run);

int8_t nn_logit(const nn_run *run, unsigned index);

/* Probability of label 1 in 1/10000. */
uint16_t nn_score(const nn_run *run);

#endif
