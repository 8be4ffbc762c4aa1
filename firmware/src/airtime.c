#include "airtime.h"

enum {
  SYMBOL_US = 256,         /* 2^7 chips / 500 kHz */
  MODEM_HEADER_BYTES = 8,  /* assumed, see the header file */
  BUDGET_US = 36 * 1000000, /* 1 % of an hour */
  REFILL_US_PER_MS = 10,   /* 1 % */
};

uint32_t airtime_us(size_t payload_count) {
  uint32_t bytes = (uint32_t)payload_count + MODEM_HEADER_BYTES;
  /* Preamble 7 + 4.25 symbols; then 8 + 5 * ceil((8 bytes - 4 SF + 28 + 16) / (4 SF)). */
  uint32_t preamble_us = 7 * SYMBOL_US + SYMBOL_US * 17 / 4;
  uint32_t bits = 8 * bytes - 4 * 7 + 28 + 16;
  uint32_t symbols = 8 + 5 * ((bits + 27) / 28);
  return preamble_us + symbols * SYMBOL_US;
}

void airtime_budget_init(airtime_budget *b, uint32_t now) {
  *b = (airtime_budget){.left_us = BUDGET_US, .refilled_ms = now};
}

static void refill(airtime_budget *b, uint32_t now) {
  uint32_t elapsed = now - b->refilled_ms;
  uint32_t missing_ms = (BUDGET_US - b->left_us) / REFILL_US_PER_MS;
  b->left_us = elapsed >= missing_ms ? BUDGET_US : b->left_us + elapsed * REFILL_US_PER_MS;
  b->refilled_ms = now;
}

bool airtime_take(airtime_budget *b, uint32_t us, uint32_t now) {
#ifdef REGION_EU868
  refill(b, now);
  if (b->left_us < us) return false;
  b->left_us -= us;
#else
  (void)b, (void)us, (void)now;
#endif
  return true;
}

uint32_t airtime_wait(airtime_budget *b, uint32_t us, uint32_t now) {
#ifdef REGION_EU868
  refill(b, now);
  return b->left_us >= us ? 0 : (us - b->left_us + REFILL_US_PER_MS - 1) / REFILL_US_PER_MS;
#else
  (void)refill, (void)b, (void)us, (void)now;
  return 0;
#endif
}
