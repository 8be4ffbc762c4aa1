/* Driver of the RYLR998 modem: start-up, one command at a time, each with its awaited reply.
 *
 * START --AT, ADDRESS, NETWORKID, BAND, CRFOP, PARAMETER, each +OK--> IDLE
 * IDLE  --send--> (WAKE -->) SENDING --+OK--> IDLE with SENT, +ERR or silence --> SEND_FAILED
 * IDLE  --sleep--> SETTLING --> IDLE (asleep)
 * +READY at any time means that the modem restarted: START again. A command without a reply is
 * repeated; after COMMAND_TRIES the start-up begins anew. A modem that never answers therefore
 * costs nothing but counters, and one that is plugged in later is taken into use. */
#ifndef RYLR998_H
#define RYLR998_H
#include "byte_port.h"
#include "rylr_parser.h"

#if !defined(REGION_EU868) && !defined(REGION_US915)
#error "Choose the radio region: build with --region EU868 or --region US915"
#endif

enum {
  RYLR_NETWORK_ID = 18,
  RYLR_REPLY_MS = 1500, /* the slowest reply, to AT+SEND, comes after the air time */
  RYLR_COMMAND_TRIES = 3,
  RYLR_RESTART_MS = 2000,
};

typedef enum {
  RADIO_NOTHING,
  RADIO_STARTED,     /* configured, from now on it can send */
  RADIO_SENT,        /* the modem took the payload */
  RADIO_SEND_FAILED, /* refused (last_error) or unanswered (last_error 0) */
  RADIO_RECEIVED,    /* parser.address, payload, payload_length, rssi, snr */
} radio_event;

typedef struct {
  uint32_t modem_errors;   /* +ERR replies and reports */
  uint32_t framing_errors; /* broken +RCV */
  uint32_t unknown_lines;
  uint32_t timeouts; /* commands without a reply */
  uint32_t restarts; /* times the start-up began anew */
} radio_counters;

typedef struct {
  rylr_parser parser;
  byte_port port;
  uint16_t own_address;
  uint8_t state;
  uint8_t step;  /* index of the start-up command */
  uint8_t tries; /* of the present command */
  bool asleep;
  uint32_t deadline;
  uint8_t pending[RYLR_PAYLOAD_MAX];
  uint8_t pending_count;
  uint16_t pending_address;
  uint16_t last_error;
  radio_counters counters;
} rylr998;

void rylr998_init(rylr998 *m, byte_port port, uint16_t own_address, uint32_t now);

/* Reads what has arrived up to the next event. Call again until RADIO_NOTHING. */
radio_event rylr998_poll(rylr998 *m, uint32_t now);

/* True when a send or sleep would be taken. */
bool rylr998_idle(const rylr998 *m);

/* Copies the payload (1..240 bytes) and begins; false when not idle. Wakes a sleeping modem. */
bool rylr998_send(rylr998 *m, uint16_t address, const uint8_t *payload, size_t count, uint32_t now);

/* Puts the idle modem to sleep; it hears nothing until the next send. */
void rylr998_sleep(rylr998 *m, uint32_t now);

/* Milliseconds until the driver has something to do by itself. */
uint32_t rylr998_wait(const rylr998 *m, uint32_t now);

/* The modem's own words for its error numbers. */
const char *rylr998_error_text(uint16_t code);

#endif
