#include "fake_board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "crc.h"
#include "sht3x.h"

bool fake_button_down;
uint32_t fake_now_ms;

uint32_t board_now_ms(void) { return fake_now_ms; }
uint32_t board_now_us(void) { return fake_now_ms * 1000; }
uint32_t board_seed(void) { return 12345; }
uint32_t board_stack_used(void) { return 0; }
bool board_button_down(void) { return fake_button_down; }

_Noreturn void board_reset(void) {
  fprintf(stderr, "unexpected reset\n");
  abort();
}

_Noreturn void board_panic(const char *reason) {
  fprintf(stderr, "unexpected panic: %s\n", reason);
  abort();
}

void fake_line_init(fake_line *l) {
  memset(l, 0, sizeof *l);
  l->room = 8191;
}

static int line_read(void *context) {
  fake_line *l = context;
  return l->to_node_read < l->to_node_written ? l->to_node[l->to_node_read++] : -1;
}

static size_t line_room(void *context) { return ((fake_line *)context)->room; }

static bool line_write(void *context, const uint8_t *bytes, size_t count) {
  fake_line *l = context;
  if (count > l->room || l->from_node_count + count > sizeof l->from_node) return false;
  memcpy(l->from_node + l->from_node_count, bytes, count);
  l->from_node_count += count;
  return true;
}

byte_port fake_line_port(fake_line *l) { return (byte_port){l, line_read, line_write, line_room}; }

void fake_line_send(fake_line *l, const void *bytes, size_t count) {
  if (l->to_node_read == l->to_node_written) l->to_node_read = l->to_node_written = 0;
  if (l->to_node_written + count > sizeof l->to_node) abort();
  memcpy(l->to_node + l->to_node_written, bytes, count);
  l->to_node_written += count;
}

void fake_line_say(fake_line *l, const char *words) { fake_line_send(l, words, strlen(words)); }

static void put_word(uint8_t *out, uint32_t raw) {
  out[0] = (uint8_t)(raw >> 8);
  out[1] = (uint8_t)raw;
  out[2] = crc8_sensirion(out, 2);
}

static i2c_status i2c_transfer(void *context, uint8_t address, const uint8_t *out, size_t out_count,
                               uint8_t *in, size_t in_count) {
  fake_sht3x *s = context;
  (void)out;
  if (address != SHT3X_ADDRESS || !s->present) return I2C_NO_DEVICE;
  if (out_count && s->on_measure) s->on_measure(s->owner);
  if (in_count != 6) return I2C_OK;
  put_word(in, (uint32_t)(((int64_t)(s->temperature_x100 + 4500) * 65535 + 8750) / 17500));
  put_word(in + 3, (uint32_t)(((int64_t)s->humidity_x100 * 65535 + 5000) / 10000));
  if (s->corrupt) in[2] ^= 1;
  return I2C_OK;
}

i2c_bus fake_i2c(fake_sht3x *sensor) { return (i2c_bus){sensor, i2c_transfer}; }
