#include "button.h"

#include "clock.h"

bool button_pressed(button *b, bool down, uint32_t now) {
  if (down != b->candidate) {
    b->candidate = down;
    b->since_ms = now;
  }
  if (b->candidate == b->stable || !time_reached(now, b->since_ms + BUTTON_SETTLE_MS)) return false;
  b->stable = b->candidate;
  return b->stable;
}
