#include "node2.h"

#include <string.h>

#include "board.h"
#include "clock.h"

void node2_init(node2 *n, node_ports ports, uint32_t now) {
  memset(n, 0, sizeof *n);
  console_init(&n->vcp, ports.vcp);
  n->i2c = ports.i2c;
  rylr998_init(&n->modem, ports.modem, LINK_RECEIVER_ADDRESS, now);
  link_receiver_init(&n->link);
  oled_init(&n->display, now);
  n->own_due_ms = n->next_page_ms = n->next_refresh_ms = now;
}

/* ---- own sensor ---- */

static bool start_own(node2 *n) {
  if (n->own_kind == OWN_BMX280) return bmx280_start(&n->pressure_sensor, &n->i2c);
  return sht3x_start(&n->i2c);
}

/* The SHT3x is preferred; whichever answers is kept until it falls silent. */
static void find_own(node2 *n) {
  if (sht3x_start(&n->i2c)) {
    n->own_kind = OWN_SHT3X;
    n->measuring = true;
  } else if (bmx280_begin(&n->pressure_sensor, &n->i2c)) {
    n->own_kind = OWN_BMX280;
    n->measuring = bmx280_start(&n->pressure_sensor, &n->i2c);
  }
}

static void begin_own(node2 *n, uint32_t now) {
  if (n->own_kind == OWN_NONE) {
    find_own(n);
  } else {
    n->measuring = start_own(n);
    if (!n->measuring) n->own_kind = OWN_NONE;
  }
  n->own_due_ms = now + (n->measuring ? SHT3X_MEASURE_MS : NODE2_OWN_INTERVAL_MS);
}

static bool take_climate(node2 *n) {
  climate c;
  if (!sht3x_read(&n->i2c, &c)) return false;
  n->own = (own_climate){.has_temperature = true,
                         .has_humidity = true,
                         .temperature_x100 = c.temperature_x100,
                         .humidity_x100 = c.humidity_x100};
  return true;
}

static bool take_pressure(node2 *n) {
  bmx280_reading r;
  if (!bmx280_read(&n->pressure_sensor, &n->i2c, &r)) return false;
  n->own = (own_climate){.has_temperature = true,
                         .has_humidity = n->pressure_sensor.chip_id == BME280_CHIP_ID,
                         .has_pressure = true,
                         .temperature_x100 = r.temperature_x100,
                         .humidity_x100 = r.humidity_x100,
                         .pressure_pa = r.pressure_pa};
  return true;
}

static void finish_own(node2 *n, uint32_t now) {
  n->measuring = false;
  n->own_due_ms = now + NODE2_OWN_INTERVAL_MS;
  if (n->own_kind == OWN_BMX280 ? take_pressure(n) : take_climate(n)) {
    n->own_read_ms = now;
    return;
  }
  n->own_errors++;
  n->own_kind = OWN_NONE;
}

static void run_own(node2 *n, uint32_t now) {
  if (n->own.has_temperature && time_reached(now, n->own_read_ms + NODE2_OWN_STALE_MS)) {
    n->own = (own_climate){0};
  }
  if (!time_reached(now, n->own_due_ms)) return;
  if (n->measuring) {
    finish_own(n, now);
  } else {
    begin_own(n, now);
  }
}

/* ---- link ---- */

static void emit(node2 *n, const sensor_packet *packet, uint32_t now) {
  char bytes[GATEWAY_LINE_MAX];
  text line = text_on(bytes, sizeof bytes);
  n->last = (gateway_report){.uptime_ms = now,
                             .packet = *packet,
                             .own = n->own,
                             .rssi = n->modem.parser.rssi,
                             .snr = n->modem.parser.snr,
                             .link = n->link.counters,
                             .radio = n->modem.counters};
  n->any_packet = true;
  n->last_packet_ms = now;
  gateway_line(&line, &n->last);
  port_write(&n->vcp.port, line.bytes, line.used); /* its room was checked before the ACK */
}

static void take_frame(node2 *n, uint32_t now) {
  sensor_packet packet;
  bool room = port_room(&n->vcp.port) >= GATEWAY_LINE_MAX;
  frame_verdict verdict = link_receiver_take(&n->link, &n->modem.parser, room, &packet, now);
  if (verdict == FRAME_ACCEPTED) emit(n, &packet, now);
}

static void run_link(node2 *n, uint32_t now) {
  radio_event event;
  do {
    event = rylr998_poll(&n->modem, now);
    if (event == RADIO_RECEIVED) take_frame(n, now);
    link_receiver_poll(&n->link, &n->modem, event, now);
  } while (event != RADIO_NOTHING);
}

/* ---- console and display ---- */

static void say_stats(node2 *n) {
  char bytes[LOG_LINE_MAX * 2];
  text line = text_on(bytes, sizeof bytes);
  const receiver_counters *c = &n->link.counters;
  text_add(&line, "stats");
  text_counter(&line, "received", c->received);
  text_counter(&line, "crc_errors", c->crc_errors);
  text_counter(&line, "decode_errors", c->decode_errors);
  text_counter(&line, "duplicates", c->duplicates);
  text_counter(&line, "gaps", c->gaps);
  text_counter(&line, "reboots", c->reboots);
  text_counter(&line, "foreign", c->foreign);
  text_counter(&line, "host_full", c->host_full);
  text_counter(&line, "acks_failed", c->acks_failed);
  text_counter(&line, "framing_errors", n->modem.counters.framing_errors);
  text_counter(&line, "modem_errors", n->modem.counters.modem_errors);
  text_counter(&line, "modem_restarts", n->modem.counters.restarts);
  text_counter(&line, "own_errors", n->own_errors);
  text_counter(&line, "log_dropped", n->vcp.log_dropped);
  text_counter(&line, "stack", board_stack_used());
  console_log(&n->vcp, &line);
}

static void run_console(node2 *n) {
  const char *line;
  while ((line = console_read(&n->vcp))) {
    if (!strcmp(line, "stats")) {
      say_stats(n);
    } else if (!console_board_command(&n->vcp, line)) {
      console_say(&n->vcp, "commands: stats, reset, panic, hang");
    }
  }
}

static void show(node2 *n, unsigned row, const char *label, int32_t value, unsigned decimals) {
  char bytes[OLED_TEXT_COLUMNS + 1];
  text line = text_on(bytes, sizeof bytes);
  text_add(&line, label);
  text_fixed(&line, value, decimals);
  oled_line(&n->display, row, bytes);
}

static void show_remote(node2 *n, uint32_t now) {
  oled_line(&n->display, 0, "NODE 2         REMOTE");
  if (!n->any_packet) {
    oled_line(&n->display, 2, "NO PACKET YET");
    return;
  }
  show(n, 2, "TEMP C  ", n->last.packet.temperature_x10, 1);
  show(n, 3, "HUM %   ", n->last.packet.humidity_x100 / 10, 1);
  show(n, 4, "GAS OHM ", (int32_t)n->last.packet.gas_ohms, 0);
  show(n, 5, "RSSI    ", n->last.rssi, 0);
  show(n, 6, "SNR     ", n->last.snr, 0);
  show(n, 7, "AGE S   ", (int32_t)((now - n->last_packet_ms) / 1000), 0);
}

static void show_own(node2 *n) {
  oled_line(&n->display, 0, "NODE 2            OWN");
  if (!n->own.has_temperature) {
    oled_line(&n->display, 2, "NO SENSOR");
    return;
  }
  show(n, 2, "TEMP C  ", n->own.temperature_x100 / 10, 1);
  if (n->own.has_humidity) show(n, 3, "HUM %   ", n->own.humidity_x100 / 10, 1);
  if (n->own.has_pressure) show(n, 4, "HPA     ", n->own.pressure_pa, 2);
}

static void show_counters(node2 *n) {
  oled_line(&n->display, 0, "NODE 2           LINK");
  show(n, 2, "RECEIVED  ", (int32_t)n->link.counters.received, 0);
  show(n, 3, "CRC ERR   ", (int32_t)n->link.counters.crc_errors, 0);
  show(n, 4, "DUPLICATE ", (int32_t)n->link.counters.duplicates, 0);
  show(n, 5, "MISSING   ", (int32_t)n->link.counters.gaps, 0);
  show(n, 6, "MODEM ERR ", (int32_t)n->modem.counters.modem_errors, 0);
}

static void turn_page(node2 *n, uint32_t now) {
  n->next_page_ms = now + NODE2_PAGE_MS;
  n->page = (uint8_t)((n->page + 1) % 3);
  for (unsigned row = 0; row < OLED_LINES; row++) oled_line(&n->display, row, "");
}

static uint32_t run_display(node2 *n, uint32_t now) {
  if (time_reached(now, n->next_refresh_ms)) {
    if (time_reached(now, n->next_page_ms)) turn_page(n, now);
    n->next_refresh_ms = now + NODE2_REFRESH_MS;
    if (n->page == 1) show_remote(n, now);
    if (n->page == 2) show_own(n);
    if (n->page == 0) show_counters(n);
  }
  return sooner(oled_poll(&n->display, &n->i2c, now), time_until(now, n->next_refresh_ms));
}

uint32_t node2_poll(node2 *n, uint32_t now) {
  run_link(n, now);
  run_own(n, now);
  run_console(n);
  uint32_t wait = sooner(run_display(n, now), time_until(now, n->own_due_ms));
  return sooner(sooner(wait, rylr998_wait(&n->modem, now)), WAIT_MAX_MS);
}
