#include "presence.h"

#include <stdlib.h>
#include <string.h>

uint16_t presence_take(presence *p, uint16_t score) {
  p->scores[p->next] = score;
  p->next = (uint8_t)((p->next + 1) % PRESENCE_WINDOW);
  if (p->count < PRESENCE_WINDOW) p->count++;
  uint32_t sum = 0;
  for (unsigned i = 0; i < p->count; i++) sum += p->scores[i];
  uint16_t average = (uint16_t)((sum + p->count / 2) / p->count);
  p->person = average >= (p->person ? PRESENCE_OFF : PRESENCE_ON);
  return average;
}

bool frame_gate_passes(frame_gate *g, const int8_t pixels[NN_PIXELS]) {
  uint32_t difference = 0;
  for (unsigned i = 0; i < NN_PIXELS; i++) difference += (uint32_t)abs(pixels[i] - g->last[i]);
  bool same = g->any && difference < GATE_MEAN_DIFFERENCE * NN_PIXELS;
  if (same && g->skipped < GATE_SKIPS_MAX) {
    g->skipped++;
    return false;
  }
  g->any = true;
  g->skipped = 0;
  memcpy(g->last, pixels, NN_PIXELS);
  return true;
}
