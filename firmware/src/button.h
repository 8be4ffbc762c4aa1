/* A push button with a bouncing contact. */
#ifndef BUTTON_H
#define BUTTON_H
#include <stdbool.h>
#include <stdint.h>

enum { BUTTON_SETTLE_MS = 30 };

typedef struct {
  bool stable, candidate;
  uint32_t since_ms;
} button;

/* True once per press, after the contact has been closed for BUTTON_SETTLE_MS. */
bool button_pressed(button *b, bool down, uint32_t now);

#endif
