/* Milliseconds since boot in 32 bits; every comparison survives the wrap after 49.7 days. */
#ifndef CLOCK_H
#define CLOCK_H
#include <stdbool.h>
#include <stdint.h>

/* The longest a poll function asks to sleep when nothing is due. */
enum { WAIT_MAX_MS = 1000 };

static inline bool time_reached(uint32_t now, uint32_t deadline) {
  return (int32_t)(now - deadline) >= 0;
}

/* Milliseconds from now to the deadline, 0 when it has passed. */
static inline uint32_t time_until(uint32_t now, uint32_t deadline) {
  return time_reached(now, deadline) ? 0 : deadline - now;
}

static inline uint32_t sooner(uint32_t a, uint32_t b) { return a < b ? a : b; }

#endif
