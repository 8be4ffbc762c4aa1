/* From single scores to a steady answer, and the gate that spares inference on equal pictures. */
#ifndef PRESENCE_H
#define PRESENCE_H
#include <stdbool.h>
#include <stdint.h>

#include "nn.h"

enum {
  PRESENCE_WINDOW = 5,
  PRESENCE_ON = 6000,  /* average from which a person is there, 1/10000 */
  PRESENCE_OFF = 4000, /* average below which there is none */
  GATE_MEAN_DIFFERENCE = 3, /* per pixel, of 255 */
  GATE_SKIPS_MAX = 30, /* then one inference in any case: the device shows that it lives */
};

typedef struct {
  uint16_t scores[PRESENCE_WINDOW];
  uint8_t count, next;
  bool person;
} presence;

typedef struct {
  int8_t last[NN_PIXELS];
  bool any;
  uint16_t skipped; /* since the last inference */
} frame_gate;

/* Takes a score, returns the average of the last PRESENCE_WINDOW (rounded); p->person follows it
 * with hysteresis. */
uint16_t presence_take(presence *p, uint16_t score);

/* Whether the picture differs enough from the last one that passed. */
bool frame_gate_passes(frame_gate *g, const int8_t pixels[NN_PIXELS]);

#endif
