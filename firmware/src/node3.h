/* Node 3: pictures in, answers out. Inference is cut into rows and never waits for the network; the
 * network is a state machine that never waits for inference; between them is the result queue. */
#ifndef NODE3_H
#define NODE3_H
#include "console.h"
#include "frame_source.h"
#include "presence.h"
#include "publisher.h"

enum { NODE3_STEP_US = 1000 /* inference per pass of the main loop */ };

typedef struct {
  uint32_t inferences;
  uint32_t unchanged;    /* pictures that the gate kept away */
  uint32_t infer_us_max; /* of one inference, steps added up */
  uint32_t pass_us_max;  /* longest pass of the main loop */
} node3_counters;

typedef struct {
  console vcp;
  storage store;
  settings to;
  frame_link frames;
  frame_source source;
  frame_gate gate;
  nn_run run;
  bool inferring;
  uint32_t infer_us;
  presence answer;
  result_queue queue;
  uplink link;
  publisher out;
  bool gate_open; /* console: infer on every picture */
  uint32_t refusals_told;
  node3_counters counters;
} node3;

typedef struct {
  byte_port modem;
  byte_port vcp;
  byte_port frames;
  storage store;
} node3_ports;

void node3_init(node3 *n, node3_ports ports);
uint32_t node3_poll(node3 *n, uint32_t now);

/* Tells how long a pass of the main loop took. */
void node3_note_pass(node3 *n, uint32_t us);

#endif
