#include "oled.h"

#include <string.h>

#include "clock.h"
#include "font5x7.h"

enum { CONTROL_COMMANDS = 0x00, CONTROL_DATA = 0x40, CELL = FONT_COLUMNS + 1 };

/* Data sheet's order: clock, multiplex, offset, start line, charge pump, page addressing, mirrored
 * as the pins sit on the common modules, contrast, on. */
static const uint8_t start_up[] = {
    CONTROL_COMMANDS, 0xAE, 0xD5, 0x80, 0xA8, 0x3F, 0xD3, 0x00, 0x40, 0x8D, 0x14, 0x20, 0x02,
    0xA1,             0xC8, 0xDA, 0x12, 0x81, 0xCF, 0xD9, 0xF1, 0xDB, 0x40, 0xA4, 0xA6, 0xAF};

void oled_init(oled *d, uint32_t now) {
  memset(d, 0, sizeof *d);
  for (unsigned line = 0; line < OLED_LINES; line++) oled_line(d, line, "");
  d->retry_ms = now;
}

void oled_line(oled *d, unsigned line, const char *line_text) {
  char padded[OLED_TEXT_COLUMNS + 1];
  size_t count = strnlen(line_text, OLED_TEXT_COLUMNS);
  memset(padded, ' ', OLED_TEXT_COLUMNS);
  memcpy(padded, line_text, count);
  padded[OLED_TEXT_COLUMNS] = 0;
  if (line >= OLED_LINES || !memcmp(d->lines[line], padded, sizeof padded)) return;
  memcpy(d->lines[line], padded, sizeof padded);
  d->dirty |= (uint8_t)(1u << line);
}

static unsigned glyph_of(char c) {
  if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
  return c >= FONT_FIRST && c <= FONT_LAST ? (unsigned)(c - FONT_FIRST) : '?' - FONT_FIRST;
}

/* The display takes columns of eight pixels, the topmost in bit 0. */
static void draw_column(uint8_t *out, unsigned glyph, unsigned column) {
  uint8_t bits = 0;
  for (unsigned row = 0; row < FONT_ROWS; row++) {
    if (font5x7[glyph][row] & (0x10 >> column)) bits |= (uint8_t)(1u << row);
  }
  *out = bits;
}

static bool send_line(const oled *d, const i2c_bus *bus, unsigned line) {
  const uint8_t place[4] = {CONTROL_COMMANDS, (uint8_t)(0xB0 | line), 0x00, 0x10};
  uint8_t out[1 + OLED_COLUMNS] = {CONTROL_DATA};
  for (unsigned i = 0; i < OLED_TEXT_COLUMNS; i++) {
    unsigned glyph = glyph_of(d->lines[line][i]);
    for (unsigned c = 0; c < FONT_COLUMNS; c++) draw_column(&out[1 + i * CELL + c], glyph, c);
  }
  return i2c_write(bus, OLED_ADDRESS, place, sizeof place) == I2C_OK &&
         i2c_write(bus, OLED_ADDRESS, out, sizeof out) == I2C_OK;
}

static uint32_t look_for_display(oled *d, const i2c_bus *bus, uint32_t now) {
  if (!time_reached(now, d->retry_ms)) return time_until(now, d->retry_ms);
  d->ready = i2c_write(bus, OLED_ADDRESS, start_up, sizeof start_up) == I2C_OK;
  d->retry_ms = now + OLED_RETRY_MS;
  d->dirty = 0xFF; /* what its memory holds is unknown */
  return d->ready ? 0 : OLED_RETRY_MS;
}

uint32_t oled_poll(oled *d, const i2c_bus *bus, uint32_t now) {
  if (!d->ready) return look_for_display(d, bus, now);
  for (unsigned line = 0; line < OLED_LINES; line++) {
    if (!(d->dirty & (1u << line))) continue;
    if (!send_line(d, bus, line)) {
      d->ready = false;
      return OLED_RETRY_MS;
    }
    d->dirty &= (uint8_t)~(1u << line);
    return d->dirty ? 0 : WAIT_MAX_MS;
  }
  return WAIT_MAX_MS;
}
