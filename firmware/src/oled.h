/* SSD1306, 128 x 64, at 0x3C: a picture of 8 lines of 21 characters, sent one line per call so that
 * nobody waits for a whole picture (1 KB is 25 ms at 400 kHz, a line 3 ms). */
#ifndef OLED_H
#define OLED_H
#include <stdbool.h>
#include <stdint.h>

#include "i2c_bus.h"

enum {
  OLED_ADDRESS = 0x3C,
  OLED_LINES = 8,
  OLED_COLUMNS = 128,
  OLED_TEXT_COLUMNS = 21, /* 6 pixels each */
  OLED_RETRY_MS = 10000,  /* how often an absent display is looked for */
};

typedef struct {
  bool ready;
  uint32_t retry_ms;
  uint8_t dirty; /* one bit per line */
  char lines[OLED_LINES][OLED_TEXT_COLUMNS + 1];
} oled;

void oled_init(oled *d, uint32_t now);

/* Sets one line; only a changed line is sent again. Lower case is shown as upper case. */
void oled_line(oled *d, unsigned line, const char *line_text);

/* Sends at most one line, or looks for an absent display. Returns milliseconds until it wants to be
 * called again. */
uint32_t oled_poll(oled *d, const i2c_bus *bus, uint32_t now);

#endif
