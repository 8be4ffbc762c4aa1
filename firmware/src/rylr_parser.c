#include "rylr_parser.h"

#include <string.h>

#include "clock.h"
#include "text.h"

enum { AT_LINE, AT_PAYLOAD, AT_TAIL, AT_SKIP };

void rylr_parser_init(rylr_parser *p) { memset(p, 0, sizeof *p); }

static void restart(rylr_parser *p, uint8_t state) {
  p->state = state;
  p->line_count = 0;
  p->line[0] = 0;
  p->too_long = false;
}

static rylr_event broken(rylr_parser *p, uint8_t byte) {
  restart(p, byte == '\n' ? AT_LINE : AT_SKIP);
  return RYLR_FRAMING;
}

static void collect(rylr_parser *p, uint8_t byte) {
  if (p->line_count == RYLR_LINE_MAX) {
    p->too_long = true;
    return;
  }
  p->line[p->line_count++] = byte ? (char)byte : '?'; /* a NUL would hide what follows it */
  p->line[p->line_count] = 0;
}

/* "+RCV=65535,240": the header without its second comma. */
static bool parse_header(rylr_parser *p) {
  const char *at = p->line + 5;
  uint32_t address, length;
  if (!text_read_u32(&at, 65535, &address) || *at++ != ',') return false;
  if (!text_read_u32(&at, RYLR_PAYLOAD_MAX, &length) || *at != 0 || length == 0) return false;
  p->address = (uint16_t)address;
  p->payload_length = (uint8_t)length;
  p->payload_count = 0;
  return true;
}

/* ",-32,12" */
static bool parse_tail(rylr_parser *p) {
  const char *at = p->line;
  int32_t rssi, snr;
  if (*at++ != ',' || !text_read_i32(&at, 999, &rssi)) return false;
  if (*at++ != ',' || !text_read_i32(&at, 999, &snr) || *at != 0) return false;
  p->rssi = (int16_t)rssi;
  p->snr = (int16_t)snr;
  return true;
}

static rylr_event classify_line(rylr_parser *p) {
  const char *at = p->line + 5;
  uint32_t code;
  if (p->too_long) return RYLR_UNKNOWN;
  if (!strcmp(p->line, "+OK")) return RYLR_OK;
  if (!strcmp(p->line, "+READY")) return RYLR_READY;
  if (text_begins(p->line, "+RCV=")) return RYLR_FRAMING; /* its second comma never came */
  if (!text_begins(p->line, "+ERR=") || !text_read_u32(&at, 999, &code) || *at) return RYLR_UNKNOWN;
  p->error = (uint16_t)code;
  return RYLR_ERROR;
}

static void strip_return(rylr_parser *p) {
  if (p->line_count && p->line[p->line_count - 1] == '\r') p->line[--p->line_count] = 0;
}

static rylr_event feed_line(rylr_parser *p, uint8_t byte) {
  if (byte == '\n') {
    strip_return(p);
    bool empty = p->line_count == 0;
    rylr_event event = empty ? RYLR_NOTHING : classify_line(p);
    restart(p, AT_LINE);
    return event;
  }
  bool second_comma = byte == ',' && text_begins(p->line, "+RCV=") && strchr(p->line, ',');
  if (!second_comma) {
    collect(p, byte);
    return RYLR_NOTHING;
  }
  if (p->too_long || !parse_header(p)) return broken(p, byte);
  restart(p, AT_PAYLOAD);
  return RYLR_NOTHING;
}

static rylr_event feed_tail(rylr_parser *p, uint8_t byte) {
  if (byte != '\n') {
    collect(p, byte);
    return p->too_long || p->line[0] != ',' ? broken(p, byte) : RYLR_NOTHING;
  }
  strip_return(p);
  bool good = parse_tail(p);
  restart(p, AT_LINE);
  return good ? RYLR_RECEIVED : RYLR_FRAMING;
}

rylr_event rylr_parser_feed(rylr_parser *p, uint8_t byte, uint32_t now) {
  p->last_byte_ms = now;
  switch (p->state) {
    case AT_PAYLOAD:
      p->payload[p->payload_count++] = byte;
      if (p->payload_count == p->payload_length) restart(p, AT_TAIL);
      return RYLR_NOTHING;
    case AT_TAIL:
      return feed_tail(p, byte);
    case AT_SKIP:
      if (byte == '\n') restart(p, AT_LINE);
      return RYLR_NOTHING;
    default:
      return feed_line(p, byte);
  }
}

rylr_event rylr_parser_idle(rylr_parser *p, uint32_t now) {
  if (p->state == AT_LINE && p->line_count == 0) return RYLR_NOTHING;
  if (!time_reached(now, p->last_byte_ms + PARSER_SILENCE_MS)) return RYLR_NOTHING;
  bool skipping = p->state == AT_SKIP; /* that one was reported when it broke */
  restart(p, AT_LINE);
  return skipping ? RYLR_NOTHING : RYLR_FRAMING;
}
