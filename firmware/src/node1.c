#include "node1.h"

#include <string.h>

#include "board.h"
#include "clock.h"

enum { RESTING, MEASURING, MEASURED };

void node1_init(node1 *n, node_ports ports, uint32_t now) {
  memset(n, 0, sizeof *n);
  console_init(&n->vcp, ports.vcp);
  n->i2c = ports.i2c;
  rylr998_init(&n->modem, ports.modem, LINK_SENSOR_ADDRESS, now);
  link_sender_init(&n->link, LINK_RECEIVER_ADDRESS, board_seed(), now);
  oled_init(&n->display, now);
  n->interval_ms = NODE1_INTERVAL_MS;
  n->next_sample_ms = n->next_probe_ms = n->next_page_ms = n->next_refresh_ms = now;
  n->next_seq = 1;
}

/* ---- sampling ---- */

static void probe_gas_sensor(node1 *n, uint32_t now) {
  if (n->gas_sensor.address || !time_reached(now, n->next_probe_ms)) return;
  bme680_begin(&n->gas_sensor, &n->i2c);
  n->next_probe_ms = now + NODE1_PROBE_MS;
}

static void start_gas(node1 *n, uint32_t now) {
  bool recent = n->gas_ever && !time_reached(now, n->gas_started_ms + NODE1_GAS_INTERVAL_MS);
  if (!n->gas_sensor.address || recent) return;
  n->gas_ever = true;
  n->gas_started_ms = now;
  n->gas_ohms = 0;
  n->gas_ready_ms = now + BME680_MEASURE_MS;
  int32_t ambient = n->counters.samples ? n->last.temperature_x100 / 100 : 25;
  if (bme680_start(&n->gas_sensor, &n->i2c, ambient)) {
    n->gas_state = MEASURING;
    return;
  }
  n->gas_sensor.address = 0;
  n->counters.gas_errors++;
}

static void start_sample(node1 *n, uint32_t now) {
  probe_gas_sensor(n, now);
  if (!sht3x_start(&n->i2c)) {
    n->counters.climate_errors++;
    console_say(&n->vcp, "[WARN] SHT3x at 0x44 does not answer: no sample, check its wiring");
    return;
  }
  n->climate_state = MEASURING;
  n->climate_ready_ms = now + SHT3X_MEASURE_MS;
  start_gas(n, now);
}

static bool sample_due(const node1 *n, uint32_t now) {
  if (n->climate_state != RESTING) return false;
  bool link_clear = n->queue_count == 0 && link_sender_free(&n->link);
  if (n->burst_left && link_clear) return true;
  return n->sample_wanted || time_reached(now, n->next_sample_ms);
}

static void begin_due_sample(node1 *n, uint32_t now) {
  if (!sample_due(n, now)) return;
  if (time_reached(now, n->next_sample_ms)) {
    n->next_sample_ms = now + n->interval_ms;
  } else if (!n->sample_wanted) {
    n->burst_left--;
  }
  n->sample_wanted = false;
  start_sample(n, now);
}

static void read_climate(node1 *n, uint32_t now) {
  if (n->climate_state != MEASURING || !time_reached(now, n->climate_ready_ms)) return;
  if (sht3x_read(&n->i2c, &n->last)) {
    n->climate_state = MEASURED;
    return;
  }
  n->counters.climate_errors++;
  n->climate_state = RESTING;
  console_say(&n->vcp, "[WARN] SHT3x gave no valid reading: sample skipped");
}

static void read_gas(node1 *n, uint32_t now) {
  if (n->gas_state != MEASURING || !time_reached(now, n->gas_ready_ms)) return;
  gas_status status = bme680_read(&n->gas_sensor, &n->i2c, &n->gas_ohms);
  bool waiting = status == GAS_BUSY && !time_reached(now, n->gas_started_ms + NODE1_GAS_MS);
  if (waiting) {
    n->gas_ready_ms = now + 10;
    return;
  }
  n->gas_state = RESTING;
  if (status == GAS_READY) return;
  n->gas_ohms = 0;
  n->counters.gas_errors++;
  if (status == GAS_FAILED) n->gas_sensor.address = 0;
}

static int16_t tenths(int32_t x100) { return (int16_t)((x100 + (x100 < 0 ? -5 : 5)) / 10); }

static void enqueue(node1 *n, const sensor_packet *packet) {
  if (n->queue_count == NODE1_QUEUE) {
    n->counters.overflows++;
    n->queue_count--;
    memmove(n->queue, n->queue + 1, n->queue_count * sizeof n->queue[0]);
  }
  queued_frame *slot = &n->queue[n->queue_count++];
  slot->count = (uint8_t)sensor_frame_encode(packet, slot->frame);
  slot->seq = packet->seq;
}

static void finish_sample(node1 *n) {
  if (n->climate_state != MEASURED || n->gas_state == MEASURING) return;
  n->climate_state = RESTING;
  n->counters.samples++;
  enqueue(n, &(sensor_packet){.seq = n->next_seq++,
                              .temperature_x10 = tenths(n->last.temperature_x100),
                              .humidity_x100 = (uint16_t)n->last.humidity_x100,
                              .gas_ohms = n->gas_ohms});
}

/* ---- link ---- */

static void report_outcome(node1 *n, link_outcome outcome) {
  if (outcome != LINK_LOST) return;
  char bytes[LOG_LINE_MAX];
  text line = text_on(bytes, sizeof bytes);
  text_add(&line, "[WARN] packet lost after all attempts:");
  text_counter(&line, "seq", n->link.seq);
  text_counter(&line, "attempts", n->link.attempts);
  if (n->modem.last_error) {
    text_add(&line, ", last modem error: ");
    text_add(&line, rylr998_error_text(n->modem.last_error));
  }
  console_log(&n->vcp, &line);
}

static void offer_next(node1 *n, uint32_t now) {
  if (n->queue_count == 0 || !link_sender_free(&n->link)) return;
  link_sender_offer(&n->link, n->queue[0].frame, n->queue[0].count, n->queue[0].seq, now);
  n->queue_count--;
  memmove(n->queue, n->queue + 1, n->queue_count * sizeof n->queue[0]);
}

static void rest_modem(node1 *n, uint32_t now) {
  bool quiet = n->queue_count == 0 && link_sender_free(&n->link) && n->climate_state == RESTING;
  if (quiet && !n->burst_left && n->interval_ms >= NODE1_SLEEP_FROM_MS) {
    rylr998_sleep(&n->modem, now);
  }
}

static void run_link(node1 *n, uint32_t now) {
  radio_event event;
  do {
    event = rylr998_poll(&n->modem, now);
    report_outcome(n, link_sender_poll(&n->link, &n->modem, event, now));
  } while (event != RADIO_NOTHING);
  offer_next(n, now);
  link_sender_poll(&n->link, &n->modem, RADIO_NOTHING, now);
  rest_modem(n, now);
}

/* ---- console and display ---- */

static void say_stats(node1 *n) {
  char bytes[LOG_LINE_MAX * 2];
  text line = text_on(bytes, sizeof bytes);
  text_add(&line, "stats");
  text_counter(&line, "samples", n->counters.samples);
  text_counter(&line, "climate_errors", n->counters.climate_errors);
  text_counter(&line, "gas_errors", n->counters.gas_errors);
  text_counter(&line, "overflows", n->counters.overflows);
  text_counter(&line, "transmissions", n->link.counters.transmissions);
  text_counter(&line, "delivered", n->link.counters.delivered);
  text_counter(&line, "retries", n->link.counters.retries);
  text_counter(&line, "lost", n->link.counters.lost);
  text_counter(&line, "nacks", n->link.counters.nacks);
  text_counter(&line, "timeouts", n->link.counters.timeouts);
  text_counter(&line, "refused", n->link.counters.refused);
  text_counter(&line, "stray_acks", n->link.counters.stray_acks);
  text_counter(&line, "duty_waits", n->link.counters.duty_waits);
  text_counter(&line, "modem_errors", n->modem.counters.modem_errors);
  text_counter(&line, "framing_errors", n->modem.counters.framing_errors);
  text_counter(&line, "modem_restarts", n->modem.counters.restarts);
  text_counter(&line, "queue", n->queue_count);
  text_counter(&line, "burst", n->burst_left);
  text_counter(&line, "asleep", n->modem.asleep);
  text_counter(&line, "stack", board_stack_used());
  console_log(&n->vcp, &line);
}

static bool number_after(const char *line, const char *word, uint32_t max, uint32_t *value) {
  const char *at = line + strlen(word);
  return text_begins(line, word) && text_read_u32(&at, max, value) && *at == 0;
}

static void run_command(node1 *n, const char *line, uint32_t now) {
  uint32_t value;
  if (!strcmp(line, "stats")) {
    say_stats(n);
  } else if (!strcmp(line, "sample")) {
    n->sample_wanted = true;
  } else if (number_after(line, "burst ", NODE1_BURST_MAX, &value)) {
    n->burst_left = value;
  } else if (number_after(line, "interval ", 86400, &value) && value > 0) {
    n->interval_ms = value * 1000;
    n->next_sample_ms = now + n->interval_ms;
  } else if (!console_board_command(&n->vcp, line)) {
    console_say(&n->vcp, "commands: stats, sample, burst N, interval S, reset, panic, hang");
  }
}

static void run_console(node1 *n, uint32_t now) {
  const char *line;
  while ((line = console_read(&n->vcp))) run_command(n, line, now);
}

static void show(node1 *n, unsigned row, const char *label, int32_t value, unsigned decimals) {
  char bytes[OLED_TEXT_COLUMNS + 1];
  text line = text_on(bytes, sizeof bytes);
  text_add(&line, label);
  text_fixed(&line, value, decimals);
  oled_line(&n->display, row, bytes);
}

static void show_climate(node1 *n) {
  oled_line(&n->display, 0, "NODE 1        CLIMATE");
  if (n->counters.samples == 0) {
    oled_line(&n->display, 2, "NO SAMPLE YET");
    return;
  }
  show(n, 2, "TEMP C  ", tenths(n->last.temperature_x100), 1);
  show(n, 3, "HUM %   ", n->last.humidity_x100 / 10, 1);
  if (n->gas_ohms) {
    show(n, 4, "GAS OHM ", (int32_t)n->gas_ohms, 0);
  } else {
    oled_line(&n->display, 4, "GAS OHM -");
  }
  show(n, 6, "PACKET  ", (int32_t)n->next_seq - 1, 0);
}

static void show_link(node1 *n) {
  oled_line(&n->display, 0, "NODE 1           LINK");
  show(n, 2, "DELIVERED ", (int32_t)n->link.counters.delivered, 0);
  show(n, 3, "RETRIES   ", (int32_t)n->link.counters.retries, 0);
  show(n, 4, "LOST      ", (int32_t)n->link.counters.lost, 0);
  show(n, 6, "MODEM ERR ", (int32_t)n->modem.counters.modem_errors, 0);
}

static void turn_page(node1 *n, uint32_t now) {
  n->next_page_ms = now + NODE1_PAGE_MS;
  n->page ^= 1;
  for (unsigned row = 0; row < OLED_LINES; row++) oled_line(&n->display, row, "");
}

static uint32_t run_display(node1 *n, uint32_t now) {
  if (time_reached(now, n->next_refresh_ms)) {
    if (time_reached(now, n->next_page_ms)) turn_page(n, now);
    n->next_refresh_ms = now + NODE1_REFRESH_MS;
    if (n->page) {
      show_climate(n);
    } else {
      show_link(n);
    }
  }
  return sooner(oled_poll(&n->display, &n->i2c, now), time_until(now, n->next_refresh_ms));
}

/* ---- all together ---- */

static uint32_t wait_for_sampling(const node1 *n, uint32_t now) {
  if (n->climate_state == MEASURING) return time_until(now, n->climate_ready_ms);
  if (n->climate_state == MEASURED) return time_until(now, n->gas_ready_ms);
  if (sample_due(n, now)) return 0;
  return time_until(now, n->next_sample_ms);
}

uint32_t node1_poll(node1 *n, uint32_t now) {
  if (button_pressed(&n->blue, board_button_down(), now)) n->sample_wanted = true;
  run_console(n, now);
  begin_due_sample(n, now);
  read_climate(n, now);
  read_gas(n, now);
  finish_sample(n);
  run_link(n, now);
  uint32_t wait = sooner(run_display(n, now), wait_for_sampling(n, now));
  if (n->gas_state == MEASURING) wait = sooner(wait, time_until(now, n->gas_ready_ms));
  wait = sooner(wait, link_sender_wait(&n->link, now));
  return sooner(sooner(wait, rylr998_wait(&n->modem, now)), WAIT_MAX_MS);
}
