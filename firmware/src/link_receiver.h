/* The receiving end: checks, acknowledges, removes duplicates.
 *
 * A frame is a duplicate when it equals the last one (same seq, same CRC: a retransmission is
 * always the same packet), or one of the few before it within LINK_SILENCE_MS (a copy that the
 * radio delayed). Seq 1 after that silence is a sender that restarted; the same seq with other
 * content is another packet and is passed on: dropping it would lose an acknowledged packet.
 * What cannot be handed on now (slow host) is not acknowledged: the sender tries again. */
#ifndef LINK_RECEIVER_H
#define LINK_RECEIVER_H
#include "postcard.h"
#include "rylr998.h"

enum {
  /* The sender's tries of one packet lie at most 3 x (2 s + 0.3 s) apart; it samples every 10 s. */
  LINK_SILENCE_MS = 9000,
  LINK_OUTBOX = 4,
  LINK_HISTORY = 8,
  LINK_ACK_TRIES = 2,
};

typedef enum { FRAME_IGNORED, FRAME_ACCEPTED, FRAME_REPEATED, FRAME_REFUSED } frame_verdict;

typedef struct {
  uint32_t received;   /* good and new */
  uint32_t crc_errors; /* frames whose CRC does not hold */
  uint32_t decode_errors;
  uint32_t duplicates;
  uint32_t gaps;        /* packets missing between two that came, less those that came late */
  uint32_t reboots;     /* sequences that began anew */
  uint32_t foreign;     /* frames from other addresses */
  uint32_t host_full;   /* good packets not taken for want of room, and not acknowledged */
  uint32_t acks_failed; /* acknowledgements that the modem did not take */
} receiver_counters;

typedef struct {
  uint16_t seq;
  uint16_t crc;
  uint32_t heard_ms; /* its latest copy */
} heard_frame;

typedef struct {
  heard_frame history[LINK_HISTORY]; /* newest first */
  uint8_t history_count;
  uint16_t newest_seq; /* the furthest one, whatever came last */
  ack_frame outbox[LINK_OUTBOX];
  uint8_t outbox_count;
  uint8_t tries; /* of the first in the outbox */
  bool sending;
  receiver_counters counters;
} link_receiver;

void link_receiver_init(link_receiver *r);

/* Judges a received frame and queues its acknowledgement. *packet is set when FRAME_ACCEPTED. */
frame_verdict link_receiver_take(link_receiver *r, const rylr_parser *frame, bool host_has_room,
                                 sensor_packet *packet, uint32_t now);

/* Sends queued acknowledgements; pass every event of the modem, or RADIO_NOTHING. */
void link_receiver_poll(link_receiver *r, rylr998 *modem, radio_event event, uint32_t now);

#endif
