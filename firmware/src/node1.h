/* Node 1: measures climate and gas every 10 s or when the button is pressed, and sends each sample
 * acknowledged over the radio. Samples wait in a small queue while the link is busy or the modem is
 * away; when it is full the oldest is dropped and counted. */
#ifndef NODE1_H
#define NODE1_H
#include "bme680.h"
#include "button.h"
#include "console.h"
#include "i2c_bus.h"
#include "link_sender.h"
#include "node_ports.h"
#include "oled.h"
#include "sht3x.h"

enum {
  NODE1_INTERVAL_MS = 10000,
  NODE1_QUEUE = 16,
  NODE1_BURST_MAX = 1000,
  NODE1_PAGE_MS = 5000,
  NODE1_REFRESH_MS = 250, /* of what the display shows */
  NODE1_PROBE_MS = 30000,      /* how often an absent BME680 is looked for */
  NODE1_GAS_INTERVAL_MS = 3000, /* a hotter plate would warm the board */
  NODE1_GAS_MS = 400,          /* then the gas measurement has failed */
  NODE1_SLEEP_FROM_MS = 5000,  /* shorter intervals leave the modem awake */
};

typedef struct {
  uint8_t frame[SENSOR_FRAME_MAX];
  uint8_t count;
  uint16_t seq;
} queued_frame;

typedef struct {
  uint32_t samples;
  uint32_t climate_errors; /* samples lost because the SHT3x was silent or wrong */
  uint32_t gas_errors;     /* samples sent without a gas value although the BME680 is there */
  uint32_t overflows;      /* packets dropped from the full queue */
} node1_counters;

typedef struct {
  console vcp;
  i2c_bus i2c;
  rylr998 modem;
  link_sender link;
  bme680 gas_sensor;
  oled display;
  button blue;
  uint8_t climate_state, gas_state;
  bool sample_wanted;
  uint32_t burst_left;
  uint32_t interval_ms;
  uint32_t next_sample_ms, climate_ready_ms, gas_ready_ms, gas_started_ms, next_probe_ms;
  bool gas_ever;
  uint32_t gas_ohms; /* 0: none */
  climate last;
  uint16_t next_seq;
  queued_frame queue[NODE1_QUEUE]; /* oldest first; the one being sent has left it */
  uint8_t queue_count;
  uint8_t page;
  uint32_t next_page_ms, next_refresh_ms;
  node1_counters counters;
} node1;

void node1_init(node1 *n, node_ports ports, uint32_t now);

/* Does what is due and returns milliseconds until the next call, unless bytes arrive before. */
uint32_t node1_poll(node1 *n, uint32_t now);

#endif
