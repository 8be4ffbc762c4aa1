/* Bytes from a REYAX RYLR998 modem to events.
 *
 * Lines end with CR LF, except that +RCV=<address>,<length>,<payload>,<rssi>,<snr> carries <length>
 * binary bytes, which may hold CR, LF, commas or a whole reply: they are counted, never searched.
 *
 * LINE --"+RCV=a,n,"--> PAYLOAD --n bytes--> TAIL --LF--> event, LINE
 * Anything that breaks the form is a framing event and the rest of that line is skipped. A frame
 * that stops in the middle (bytes lost on the wire) is given up after PARSER_SILENCE_MS, so that it
 * cannot swallow the next one. */
#ifndef RYLR_PARSER_H
#define RYLR_PARSER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RYLR_PAYLOAD_MAX = 240, RYLR_LINE_MAX = 48, PARSER_SILENCE_MS = 250 };

typedef enum {
  RYLR_NOTHING,
  RYLR_OK,
  RYLR_READY,
  RYLR_ERROR,    /* error holds the modem's number */
  RYLR_RECEIVED, /* address, payload, rssi and snr hold the frame until the next byte */
  RYLR_FRAMING,
  RYLR_UNKNOWN, /* some other line: answers to queries, noise */
} rylr_event;

typedef struct {
  uint8_t state;
  char line[RYLR_LINE_MAX + 1];
  uint8_t line_count;
  bool too_long;
  uint8_t payload[RYLR_PAYLOAD_MAX];
  uint8_t payload_length; /* as announced */
  uint8_t payload_count;  /* as received */
  uint16_t address;
  int16_t rssi; /* dBm */
  int16_t snr;  /* dB */
  uint16_t error;
  uint32_t last_byte_ms;
} rylr_parser;

void rylr_parser_init(rylr_parser *p);

/* Takes one byte and says what it completed. */
rylr_event rylr_parser_feed(rylr_parser *p, uint8_t byte, uint32_t now);

/* To call while no byte arrives: RYLR_FRAMING when a begun frame has gone silent. */
rylr_event rylr_parser_idle(rylr_parser *p, uint32_t now);

#endif
