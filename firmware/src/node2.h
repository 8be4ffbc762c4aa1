/* Node 2: receives the packets of node 1, acknowledges them, and writes one JSON line for each to
 * the virtual COM port. A packet whose line would not fit is not acknowledged, so a slow host slows
 * the sender and loses nothing that was confirmed. */
#ifndef NODE2_H
#define NODE2_H
#include "bmx280.h"
#include "console.h"
#include "gateway_line.h"
#include "i2c_bus.h"
#include "link_receiver.h"
#include "node_ports.h"
#include "oled.h"
#include "sht3x.h"

enum {
  NODE2_OWN_INTERVAL_MS = 2000,
  NODE2_OWN_STALE_MS = 10000, /* an older own reading is left out */
  NODE2_PAGE_MS = 5000,
  NODE2_REFRESH_MS = 250, /* of what the display shows */
};

typedef enum { OWN_NONE, OWN_SHT3X, OWN_BMX280 } own_kind;

typedef struct {
  console vcp;
  i2c_bus i2c;
  rylr998 modem;
  link_receiver link;
  oled display;
  bmx280 pressure_sensor;
  own_kind own_kind;
  bool measuring;
  uint32_t own_due_ms, own_read_ms;
  own_climate own;
  uint32_t own_errors;
  gateway_report last;
  bool any_packet;
  uint32_t last_packet_ms;
  uint8_t page;
  uint32_t next_page_ms, next_refresh_ms;
} node2;

void node2_init(node2 *n, node_ports ports, uint32_t now);

/* Does what is due and returns milliseconds until the next call, unless bytes arrive before. */
uint32_t node2_poll(node2 *n, uint32_t now);

#endif
