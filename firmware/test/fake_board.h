/* What the host tests put in place of the board. */
#ifndef FAKE_BOARD_H
#define FAKE_BOARD_H
#include "byte_port.h"
#include "i2c_bus.h"

extern bool fake_button_down;
extern uint32_t fake_now_ms;

/* Two queues that make a serial line; room can be limited to play a slow host. */
typedef struct {
  uint8_t to_node[4096];
  size_t to_node_read, to_node_written;
  uint8_t from_node[16384];
  size_t from_node_count;
  size_t room;
} fake_line;

void fake_line_init(fake_line *l);
byte_port fake_line_port(fake_line *l);
void fake_line_send(fake_line *l, const void *bytes, size_t count);
void fake_line_say(fake_line *l, const char *words);

/* An SHT3x whose humidity and temperature are given in hundredths; other addresses are absent. */
typedef struct {
  bool present;
  bool corrupt;
  int32_t temperature_x100, humidity_x100;
  void (*on_measure)(void *owner);
  void *owner;
} fake_sht3x;

i2c_bus fake_i2c(fake_sht3x *sensor);

#endif
