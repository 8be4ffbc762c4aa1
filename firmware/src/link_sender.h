/* Acknowledged sending of one packet at a time, the same bytes on every attempt.
 *
 * FREE --offer--> DUE --modem takes it--> SENDING --SENT--> WAITING --ACK of its seq--> FREE
 * WAITING --2 s, or NACK--> DUE after a short random pause, at most LINK_RETRIES times, then FREE
 * with LINK_LOST. A refused send (+ERR) counts as an attempt; a modem that is starting does not.
 * The pause is random so that two senders that collided do not collide again.
 * For LINK_ACK_MS after boot nothing is sent: numbers begin at 1 again, and an acknowledgement that
 * is still under way to the previous life must not confirm a packet of this one. */
#ifndef LINK_SENDER_H
#define LINK_SENDER_H
#include "airtime.h"
#include "postcard.h"
#include "rylr998.h"

enum {
  LINK_RETRIES = 3, /* after the first attempt: 4 transmissions at most */
  LINK_ACK_MS = 2000,
  LINK_PAUSE_MIN_MS = 50,
  LINK_PAUSE_SPAN_MS = 256,
};

typedef enum { LINK_PENDING, LINK_DELIVERED, LINK_LOST } link_outcome;

typedef struct {
  uint32_t transmissions; /* taken by the modem */
  uint32_t delivered;
  uint32_t retries;
  uint32_t lost;
  uint32_t nacks;
  uint32_t timeouts;
  uint32_t refused;   /* sends that the modem refused or left unanswered */
  uint32_t stray_acks; /* acknowledgements of something else, or unreadable */
  uint32_t duty_waits; /* times the duty cycle made a packet wait */
} link_counters;

typedef struct {
  uint8_t state;
  uint8_t attempts;
  bool held; /* the duty cycle holds the present attempt */
  uint16_t peer;
  uint16_t seq;
  uint8_t frame[SENSOR_FRAME_MAX];
  uint8_t count;
  uint32_t deadline;
  uint32_t quiet_until_ms;
  uint32_t random;
  airtime_budget budget;
  link_counters counters;
} link_sender;

void link_sender_init(link_sender *s, uint16_t peer, uint32_t seed, uint32_t now);
bool link_sender_free(const link_sender *s);

/* Takes an encoded frame; the sender must be free. */
void link_sender_offer(link_sender *s, const uint8_t *frame, size_t count, uint16_t seq,
                       uint32_t now);

/* Lets the sender act on an event of the modem, or on time with RADIO_NOTHING. */
link_outcome link_sender_poll(link_sender *s, rylr998 *modem, radio_event event, uint32_t now);

uint32_t link_sender_wait(const link_sender *s, uint32_t now);

#endif
