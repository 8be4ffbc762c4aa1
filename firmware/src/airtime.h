/* Time on air, and the share of it that the band allows. */
#ifndef AIRTIME_H
#define AIRTIME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds on air at SF 7, 500 kHz, coding rate 4/5, preamble 7 (AT+PARAMETER=7,9,1,7) for a
 * payload of count bytes, by the LoRa modem formula (explicit header, CRC on). The RYLR998 adds its
 * own header; 8 bytes are assumed for it. */
uint32_t airtime_us(size_t payload_count);

/* A bucket that refills at a fixed share of real time. EU 868.0-868.6 MHz allows 1 % of every hour:
 * the bucket holds 36 s. US 915 has no duty cycle: the bucket is never empty. */
typedef struct {
  uint32_t left_us;
  uint32_t refilled_ms;
} airtime_budget;

void airtime_budget_init(airtime_budget *b, uint32_t now);

/* Takes the time when it is there; false leaves the bucket as it was. */
bool airtime_take(airtime_budget *b, uint32_t us, uint32_t now);

/* Milliseconds until that much will be there. */
uint32_t airtime_wait(airtime_budget *b, uint32_t us, uint32_t now);

#endif
