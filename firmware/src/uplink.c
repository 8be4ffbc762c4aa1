#include "uplink.h"

#include <string.h>

#include "clock.h"

enum state {
  WAIT,
  SAY_AT,
  ECHO_OFF,
  STATION,
  ONE_LINK,
  JOIN,
  TIME_SETUP,
  TIME_ASK,
  TIME_PAUSE,
  DROP_OLD,
  CONNECT,
  OPEN,
  OPEN_TIME,
  SEND_ASK,
  SEND_DATA,
};

void uplink_init(uplink *u, byte_port port, const settings *to, uint32_t seed) {
  memset(u, 0, sizeof *u);
  u->port = port;
  u->to = to;
  u->random = seed ? seed : 1;
  u->backoff_ms = UPLINK_BACKOFF_MIN_MS;
  esp_parser_init(&u->parser);
}

static void enter(uplink *u, uint8_t state, uint32_t now) {
  u->state = state;
  u->issued = false;
  u->deadline = now + (state == JOIN ? UPLINK_JOIN_MS : UPLINK_REPLY_MS);
}

static bool is_open(const uplink *u) { return u->state >= OPEN; }

/* Half of the pause is fixed, half is drawn, so that devices do not come back all at once. */
static uint32_t draw_pause(uplink *u) {
  u->random ^= u->random << 13;
  u->random ^= u->random >> 17;
  u->random ^= u->random << 5;
  return u->backoff_ms / 2 + u->random % (u->backoff_ms / 2 + 1);
}

void uplink_fail(uplink *u, uint32_t now) {
  if (is_open(u)) u->counters.lost++;
  enter(u, WAIT, now);
  u->deadline = now + draw_pause(u);
  u->backoff_ms *= 2;
  if (u->backoff_ms > UPLINK_BACKOFF_MAX_MS) u->backoff_ms = UPLINK_BACKOFF_MAX_MS;
}

void uplink_confirm(uplink *u) { u->backoff_ms = UPLINK_BACKOFF_MIN_MS; }

/* ---- commands ---- */

static void say(uplink *u, text *command) {
  text_add(command, "\r\n");
  port_write(&u->port, command->bytes, command->used); /* no room: the missing reply is a failure */
  u->issued = true;
}

/* In quotes, with the escapes that ESP-AT asks for. */
static void add_quoted(text *t, const char *value) {
  text_char(t, '"');
  for (; *value; value++) {
    if (*value == '"' || *value == ',' || *value == '\\') text_char(t, '\\');
    text_char(t, *value);
  }
  text_char(t, '"');
}

static void add_command(uplink *u, text *t) {
  switch (u->state) {
    case SAY_AT:
      text_add(t, "AT");
      break;
    case ECHO_OFF:
      text_add(t, "ATE0");
      break;
    case STATION:
      text_add(t, "AT+CWMODE=1");
      break;
    case ONE_LINK:
      text_add(t, "AT+CIPMUX=0");
      break;
    case JOIN:
      text_add(t, "AT+CWJAP=");
      add_quoted(t, u->to->ssid);
      text_char(t, ',');
      add_quoted(t, u->to->wifi_password);
      break;
    case TIME_SETUP:
      text_add(t, "AT+CIPSNTPCFG=1,0,");
      add_quoted(t, u->to->ntp);
      break;
    case TIME_ASK:
    case OPEN_TIME:
      text_add(t, "AT+CIPSNTPTIME?");
      break;
    case DROP_OLD:
      text_add(t, "AT+CIPCLOSE");
      break;
    case CONNECT:
      text_add(t, "AT+CIPSTART=\"TCP\",");
      add_quoted(t, u->to->broker);
      text_char(t, ',');
      text_u32(t, u->to->port);
      break;
    default:
      text_add(t, "AT+CIPSEND=");
      text_u32(t, u->out_count);
  }
}

static void issue(uplink *u) {
  char bytes[320]; /* the longest: CWJAP with two escaped texts of 64 */
  text command = text_on(bytes, sizeof bytes);
  add_command(u, &command);
  say(u, &command);
}

/* ---- events ---- */

static void take_time(uplink *u, uint32_t now) {
  u->next_time_ms = now + (u->parser.unix_s ? UPLINK_TIME_AGAIN_MS : UPLINK_TIME_UNKNOWN_MS);
  if (u->parser.unix_s == 0) return;
  u->unix_ms = (uint64_t)u->parser.unix_s * 1000;
  u->unix_uptime_ms = now;
}

static void after_time_reply(uplink *u, uint32_t now) {
  bool known = u->unix_ms != 0;
  if (known || ++u->time_tries >= UPLINK_TIME_TRIES) {
    enter(u, DROP_OLD, now);
    return;
  }
  enter(u, TIME_PAUSE, now);
  u->deadline = now + 1000;
}

static uplink_event on_ok(uplink *u, uint32_t now) {
  if (!u->issued) return UPLINK_NOTHING;
  switch (u->state) {
    case TIME_ASK:
      after_time_reply(u, now);
      return UPLINK_NOTHING;
    case CONNECT:
      u->counters.opened++;
      enter(u, OPEN, now);
      return UPLINK_OPENED;
    case OPEN_TIME:
      enter(u, OPEN, now);
      return UPLINK_NOTHING;
    case SEND_ASK:
    case SEND_DATA:
    case OPEN:
      return UPLINK_NOTHING; /* the OK before the prompt */
    default:
      if (u->state == JOIN) u->time_tries = 0;
      enter(u, (uint8_t)(u->state + 1), now);
      return UPLINK_NOTHING;
  }
}

static uplink_event lose(uplink *u, uint32_t now) {
  bool open = is_open(u);
  uplink_fail(u, now);
  return open ? UPLINK_LOST : UPLINK_NOTHING;
}

static uplink_event on_failed(uplink *u, uint32_t now) {
  if (u->state == WAIT || !u->issued) return UPLINK_NOTHING;
  /* No old connection to close, a modem without SNTP or CIPMUX: not worth giving up for. */
  if (u->state == DROP_OLD || u->state == TIME_SETUP || u->state == ONE_LINK) {
    enter(u, (uint8_t)(u->state + 1), now);
    return UPLINK_NOTHING;
  }
  if (u->state == TIME_ASK || u->state == OPEN_TIME) { /* a modem that knows no time */
    u->next_time_ms = now + UPLINK_TIME_AGAIN_MS;
    enter(u, u->state == TIME_ASK ? DROP_OLD : OPEN, now);
    return UPLINK_NOTHING;
  }
  return lose(u, now);
}

static void give_data(uplink *u, uint32_t now) {
  if (u->state != SEND_ASK) return;
  port_write(&u->port, u->out, u->out_count);
  enter(u, SEND_DATA, now);
  u->issued = true;
}

static uplink_event take(uplink *u, esp_event event, uint32_t now) {
  switch (event) {
    case ESP_OK:
      return on_ok(u, now);
    case ESP_FAILED:
      return on_failed(u, now);
    case ESP_BUSY:
      u->counters.busy++;
      return UPLINK_NOTHING; /* its reply is still to come, or the deadline */
    case ESP_PROMPT:
      give_data(u, now);
      return UPLINK_NOTHING;
    case ESP_SENT:
      if (u->state != SEND_DATA) return UPLINK_NOTHING;
      enter(u, OPEN, now);
      return UPLINK_SENT;
    case ESP_CLOSED:
      return u->state >= CONNECT ? lose(u, now) : UPLINK_NOTHING;
    case ESP_OFFLINE:
      u->counters.wifi_lost++;
      return u->state > JOIN ? lose(u, now) : UPLINK_NOTHING;
    case ESP_READY:
      u->counters.modem_restarts++;
      return u->state > SAY_AT ? lose(u, now) : UPLINK_NOTHING;
    case ESP_TIME:
      take_time(u, now);
      return UPLINK_NOTHING;
    case ESP_DATA:
      return is_open(u) ? UPLINK_BYTE : UPLINK_NOTHING;
    default:
      return UPLINK_NOTHING;
  }
}

static uplink_event advance(uplink *u, uint32_t now) {
  bool due = time_reached(now, u->deadline);
  if (u->state == WAIT) {
    if (due && settings_complete(u->to)) enter(u, SAY_AT, now);
  } else if (u->state == TIME_PAUSE) {
    if (due) enter(u, TIME_ASK, now);
  } else if (u->state == OPEN) {
    if (time_reached(now, u->next_time_ms)) enter(u, OPEN_TIME, now);
  } else if (due) {
    u->counters.timeouts++;
    return lose(u, now);
  }
  bool command = u->state != WAIT && u->state != TIME_PAUSE && u->state != OPEN;
  if (command && !u->issued) issue(u);
  return UPLINK_NOTHING;
}

uplink_event uplink_poll(uplink *u, uint32_t now) {
  int byte;
  while ((byte = port_read(&u->port)) >= 0) {
    uplink_event event = take(u, esp_parser_feed(&u->parser, (uint8_t)byte), now);
    if (event != UPLINK_NOTHING) return event;
  }
  return advance(u, now);
}

bool uplink_can_send(const uplink *u) { return u->state == OPEN; }

bool uplink_send(uplink *u, const uint8_t *bytes, size_t count, uint32_t now) {
  if (!uplink_can_send(u) || count == 0 || count > UPLINK_SEND_MAX) return false;
  memcpy(u->out, bytes, count);
  u->out_count = (uint16_t)count;
  enter(u, SEND_ASK, now);
  issue(u);
  return true;
}

uint64_t uplink_unix_ms(const uplink *u, uint32_t uptime_ms) {
  if (u->unix_ms == 0) return 0;
  return u->unix_ms + (uint64_t)(int64_t)(int32_t)(uptime_ms - u->unix_uptime_ms);
}

uint32_t uplink_wait(const uplink *u, uint32_t now) {
  if (u->state == OPEN) return sooner(time_until(now, u->next_time_ms), WAIT_MAX_MS);
  return time_until(now, u->deadline);
}
