#include "rylr998.h"

#include <string.h>

#include "clock.h"
#include "text.h"

enum { PAUSED, STARTING, IDLE, WAKING, SENDING, SETTLING };
enum { STEP_AT, STEP_ADDRESS, STEP_NETWORK, STEP_BAND, STEP_POWER, STEP_PARAMETER, STEP_END };
enum { ERR_RX_CRC = 12, ERR_RX_HEADER = 19 };

#ifdef REGION_EU868
#define BAND_HZ 868300000u /* 868.0-868.6 MHz: 1 % duty cycle, 14 dBm ERP */
#else
#define BAND_HZ 915000000u
#endif

static void start_over(rylr998 *m, uint32_t now, uint32_t delay_ms) {
  m->state = PAUSED;
  m->step = STEP_AT;
  m->tries = 0;
  m->asleep = false;
  m->deadline = now + delay_ms;
}

void rylr998_init(rylr998 *m, byte_port port, uint16_t own_address, uint32_t now) {
  memset(m, 0, sizeof *m);
  m->port = port;
  m->own_address = own_address;
  rylr_parser_init(&m->parser);
  start_over(m, now, 0);
}

static void command(rylr998 *m, const char *line, uint32_t now) {
  char bytes[40];
  text t = text_on(bytes, sizeof bytes);
  text_add(&t, line);
  text_add(&t, "\r\n");
  port_write(&m->port, bytes, t.used); /* no room: the reply will be missing and it is repeated */
  m->deadline = now + RYLR_REPLY_MS;
}

static void command_number(rylr998 *m, const char *name, uint32_t value, uint32_t now) {
  char bytes[36];
  text t = text_on(bytes, sizeof bytes);
  text_add(&t, name);
  text_u32(&t, value);
  command(m, bytes, now);
}

static void run_step(rylr998 *m, uint32_t now) {
  m->state = STARTING;
  m->tries++;
  switch (m->step) {
    case STEP_AT:
      command(m, "AT", now);
      break;
    case STEP_ADDRESS:
      command_number(m, "AT+ADDRESS=", m->own_address, now);
      break;
    case STEP_NETWORK:
      command_number(m, "AT+NETWORKID=", RYLR_NETWORK_ID, now);
      break;
    case STEP_BAND:
      command_number(m, "AT+BAND=", BAND_HZ, now);
      break;
    case STEP_POWER:
      command(m, "AT+CRFOP=14", now);
      break;
    default:
      command(m, "AT+PARAMETER=7,9,1,7", now);
  }
}

static uint8_t next_step(uint8_t step) {
#ifndef REGION_EU868
  if (step == STEP_BAND) return STEP_PARAMETER; /* the modem's own power setting is kept */
#endif
  return (uint8_t)(step + 1);
}

static radio_event step_done(rylr998 *m, uint32_t now) {
  m->step = next_step(m->step);
  m->tries = 0;
  if (m->step < STEP_END) {
    run_step(m, now);
    return RADIO_NOTHING;
  }
  m->state = IDLE;
  return RADIO_STARTED;
}

static void step_failed(rylr998 *m, uint32_t now) {
  if (m->tries < RYLR_COMMAND_TRIES) {
    run_step(m, now);
    return;
  }
  m->counters.restarts++;
  start_over(m, now, RYLR_RESTART_MS);
}

static void transmit(rylr998 *m, uint32_t now) {
  uint8_t bytes[RYLR_PAYLOAD_MAX + 32];
  char head[24];
  text t = text_on(head, sizeof head);
  text_add(&t, "AT+SEND=");
  text_u32(&t, m->pending_address);
  text_char(&t, ',');
  text_u32(&t, m->pending_count);
  text_char(&t, ',');
  memcpy(bytes, head, t.used);
  memcpy(bytes + t.used, m->pending, m->pending_count);
  memcpy(bytes + t.used + m->pending_count, "\r\n", 2);
  port_write(&m->port, bytes, t.used + m->pending_count + 2);
  m->state = SENDING;
  m->deadline = now + RYLR_REPLY_MS;
}

static radio_event on_ok(rylr998 *m, uint32_t now) {
  switch (m->state) {
    case STARTING:
      return step_done(m, now);
    case WAKING:
      m->asleep = false;
      transmit(m, now);
      return RADIO_NOTHING;
    case SENDING:
      m->state = IDLE;
      m->tries = 0;
      return RADIO_SENT;
    case SETTLING:
      m->asleep = true;
      m->state = IDLE;
      return RADIO_NOTHING;
    default:
      m->counters.unknown_lines++; /* nobody asked */
      return RADIO_NOTHING;
  }
}

static radio_event fail_command(rylr998 *m, uint16_t code, uint32_t now) {
  uint8_t was = m->state;
  m->last_error = code;
  if (was == STARTING) {
    step_failed(m, now);
    return RADIO_NOTHING;
  }
  m->state = IDLE;
  m->asleep = false; /* unknown, and waking an awake modem is harmless */
  if (code == 0 && ++m->tries >= RYLR_COMMAND_TRIES) {
    m->counters.restarts++;
    start_over(m, now, 0);
  }
  return was == SENDING || was == WAKING ? RADIO_SEND_FAILED : RADIO_NOTHING;
}

static radio_event on_error(rylr998 *m, uint32_t now) {
  m->counters.modem_errors++;
  /* Failed receptions are reported at any time; they do not answer the present command. */
  bool report = m->parser.error == ERR_RX_CRC || m->parser.error == ERR_RX_HEADER;
  if (report || m->state == IDLE || m->state == PAUSED) return RADIO_NOTHING;
  return fail_command(m, m->parser.error, now);
}

static radio_event on_ready(rylr998 *m, uint32_t now) {
  bool sending = m->state == SENDING || m->state == WAKING;
  bool first = m->state == PAUSED || (m->state == STARTING && m->step == STEP_AT);
  if (!first) m->counters.restarts++;
  start_over(m, now, 0);
  m->last_error = 0;
  return sending ? RADIO_SEND_FAILED : RADIO_NOTHING;
}

static radio_event take(rylr998 *m, rylr_event event, uint32_t now) {
  switch (event) {
    case RYLR_OK:
      return on_ok(m, now);
    case RYLR_ERROR:
      return on_error(m, now);
    case RYLR_READY:
      return on_ready(m, now);
    case RYLR_RECEIVED:
      return RADIO_RECEIVED;
    case RYLR_FRAMING:
      m->counters.framing_errors++;
      return RADIO_NOTHING;
    case RYLR_UNKNOWN:
      m->counters.unknown_lines++;
      return RADIO_NOTHING;
    default:
      return RADIO_NOTHING;
  }
}

static radio_event check_deadline(rylr998 *m, uint32_t now) {
  if (m->state == IDLE || !time_reached(now, m->deadline)) return RADIO_NOTHING;
  if (m->state == PAUSED) {
    run_step(m, now);
    return RADIO_NOTHING;
  }
  m->counters.timeouts++;
  return fail_command(m, 0, now);
}

radio_event rylr998_poll(rylr998 *m, uint32_t now) {
  int byte;
  while ((byte = port_read(&m->port)) >= 0) {
    radio_event event = take(m, rylr_parser_feed(&m->parser, (uint8_t)byte, now), now);
    if (event != RADIO_NOTHING) return event;
  }
  take(m, rylr_parser_idle(&m->parser, now), now);
  return check_deadline(m, now);
}

bool rylr998_idle(const rylr998 *m) { return m->state == IDLE; }

bool rylr998_send(rylr998 *m, uint16_t address, const uint8_t *payload, size_t count,
                  uint32_t now) {
  if (m->state != IDLE || count == 0 || count > RYLR_PAYLOAD_MAX) return false;
  memcpy(m->pending, payload, count);
  m->pending_count = (uint8_t)count;
  m->pending_address = address;
  if (!m->asleep) {
    transmit(m, now);
    return true;
  }
  m->state = WAKING;
  command(m, "AT+MODE=0", now);
  return true;
}

void rylr998_sleep(rylr998 *m, uint32_t now) {
  if (m->state != IDLE || m->asleep) return;
  m->state = SETTLING;
  command(m, "AT+MODE=1", now);
}

uint32_t rylr998_wait(const rylr998 *m, uint32_t now) {
  uint32_t wait = m->state == IDLE ? WAIT_MAX_MS : time_until(now, m->deadline);
  bool mid_line = m->parser.state != 0 || m->parser.line_count != 0;
  return mid_line ? sooner(wait, PARSER_SILENCE_MS) : wait;
}

const char *rylr998_error_text(uint16_t code) {
  switch (code) {
    case 0:
      return "no reply";
    case 1:
      return "command without CR LF";
    case 2:
      return "command without AT";
    case 4:
      return "unknown command";
    case 5:
      return "length does not match the data";
    case 10:
      return "transmission took too long";
    case 12:
      return "received packet with a bad CRC";
    case 13:
      return "more than 240 bytes to send";
    case 14:
      return "its flash could not be written";
    case 15:
      return "unknown failure";
    case 17:
      return "last transmission not finished";
    case 18:
      return "preamble not allowed";
    case 19:
      return "received packet with a bad header";
    default:
      return "not documented";
  }
}
