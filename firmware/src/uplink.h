/* A TCP connection through an ESP-AT modem, kept up by itself.
 *
 * WAIT --backoff over--> AT, ATE0, CWMODE, CIPMUX, CWJAP, SNTP, CIPSTART --OK each--> OPEN
 * Any failure, silence, CLOSED or lost Wi-Fi leads back to WAIT; the pause doubles from
 * UPLINK_BACKOFF_MIN_MS to UPLINK_BACKOFF_MAX_MS, with jitter, and begins anew once the owner says
 * that the connection proved good.
 * Nothing here waits: poll takes what has arrived and returns. */
#ifndef UPLINK_H
#define UPLINK_H
#include "byte_port.h"
#include "esp_parser.h"
#include "settings.h"

enum {
  UPLINK_SEND_MAX = 512,
  UPLINK_REPLY_MS = 5000,
  UPLINK_JOIN_MS = 20000,
  UPLINK_BACKOFF_MIN_MS = 500,
  UPLINK_BACKOFF_MAX_MS = 30000,
  UPLINK_TIME_TRIES = 5, /* asks for the time, one second apart, before it goes on without */
  UPLINK_TIME_AGAIN_MS = 3600000,
  UPLINK_TIME_UNKNOWN_MS = 15000,
};

typedef enum {
  UPLINK_NOTHING,
  UPLINK_OPENED,
  UPLINK_SENT,
  UPLINK_BYTE, /* parser.byte */
  UPLINK_LOST,
} uplink_event;

typedef struct {
  uint32_t opened, lost, busy, timeouts, wifi_lost, modem_restarts;
} uplink_counters;

typedef struct {
  esp_parser parser;
  byte_port port;
  const settings *to;
  uint8_t state;
  bool issued;   /* the command of this state is out */
  uint8_t time_tries;
  uint32_t deadline; /* of the reply, or of the pause */
  uint32_t backoff_ms;
  uint32_t random;
  uint32_t next_time_ms;
  uint8_t out[UPLINK_SEND_MAX];
  uint16_t out_count;
  uint64_t unix_ms; /* at unix_uptime_ms; 0: unknown */
  uint32_t unix_uptime_ms;
  uplink_counters counters;
} uplink;

void uplink_init(uplink *u, byte_port port, const settings *to, uint32_t seed);
uplink_event uplink_poll(uplink *u, uint32_t now);

/* True when the connection is open and nothing is being sent. */
bool uplink_can_send(const uplink *u);
bool uplink_send(uplink *u, const uint8_t *bytes, size_t count, uint32_t now);

/* Gives the connection up and begins anew after the pause. */
void uplink_fail(uplink *u, uint32_t now);
/* The connection proved good: the next pause is short again. */
void uplink_confirm(uplink *u);

/* Unix time in ms of a moment of this boot, 0 while no server has been heard. */
uint64_t uplink_unix_ms(const uplink *u, uint32_t uptime_ms);

uint32_t uplink_wait(const uplink *u, uint32_t now);

#endif
