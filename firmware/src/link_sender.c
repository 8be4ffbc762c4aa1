#include "link_sender.h"

#include <string.h>

#include "clock.h"

enum { FREE, DUE, SENDING, WAITING };

void link_sender_init(link_sender *s, uint16_t peer, uint32_t seed, uint32_t now) {
  memset(s, 0, sizeof *s);
  s->peer = peer;
  s->random = seed ? seed : 1;
  s->quiet_until_ms = now + LINK_ACK_MS;
  airtime_budget_init(&s->budget, now);
}

bool link_sender_free(const link_sender *s) { return s->state == FREE; }

void link_sender_offer(link_sender *s, const uint8_t *frame, size_t count, uint16_t seq,
                       uint32_t now) {
  memcpy(s->frame, frame, count);
  s->count = (uint8_t)count;
  s->seq = seq;
  s->attempts = 0;
  s->deadline = time_reached(now, s->quiet_until_ms) ? now : s->quiet_until_ms;
  s->state = DUE;
}

static uint32_t random_pause(link_sender *s) {
  s->random ^= s->random << 13;
  s->random ^= s->random >> 17;
  s->random ^= s->random << 5;
  return LINK_PAUSE_MIN_MS + s->random % LINK_PAUSE_SPAN_MS;
}

static link_outcome attempt_failed(link_sender *s, uint32_t now) {
  if (s->attempts > LINK_RETRIES) {
    s->counters.lost++;
    s->state = FREE;
    return LINK_LOST;
  }
  s->counters.retries++;
  s->deadline = now + random_pause(s);
  s->state = DUE;
  return LINK_PENDING;
}

static link_outcome on_received(link_sender *s, const rylr998 *modem, uint32_t now) {
  ack_frame ack = ack_decode(modem->parser.payload, modem->parser.payload_length);
  bool from_peer = modem->parser.address == s->peer;
  /* A refused frame could not be read, so the number in a NACK may be anything. */
  if (from_peer && ack.kind == ACK_REFUSED && s->state == WAITING) {
    s->counters.nacks++;
    return attempt_failed(s, now);
  }
  bool mine = from_peer && ack.kind == ACK_ACCEPTED && ack.seq == s->seq && s->attempts > 0;
  if (!mine || s->state == FREE) {
    s->counters.stray_acks++;
    return LINK_PENDING;
  }
  s->counters.delivered++;
  s->state = FREE;
  return LINK_DELIVERED;
}

static void try_to_send(link_sender *s, rylr998 *modem, uint32_t now) {
  if (!rylr998_idle(modem)) return;
  uint32_t air_us = airtime_us(s->count);
  if (!airtime_take(&s->budget, air_us, now)) {
    if (!s->held) s->counters.duty_waits++;
    s->held = true;
    s->deadline = now + airtime_wait(&s->budget, air_us, now);
    return;
  }
  s->held = false;
  s->attempts++;
  s->state = SENDING;
  rylr998_send(modem, s->peer, s->frame, s->count, now);
}

link_outcome link_sender_poll(link_sender *s, rylr998 *modem, radio_event event, uint32_t now) {
  if (event == RADIO_RECEIVED) return on_received(s, modem, now);
  if (event == RADIO_SENT && s->state == SENDING) {
    s->counters.transmissions++;
    s->state = WAITING;
    s->deadline = now + LINK_ACK_MS;
  }
  if (event == RADIO_SEND_FAILED && s->state == SENDING) {
    s->counters.refused++;
    return attempt_failed(s, now);
  }
  if (s->state == WAITING && time_reached(now, s->deadline)) {
    s->counters.timeouts++;
    return attempt_failed(s, now);
  }
  if (s->state == DUE && time_reached(now, s->deadline)) try_to_send(s, modem, now);
  return LINK_PENDING;
}

uint32_t link_sender_wait(const link_sender *s, uint32_t now) {
  if (s->state == FREE || s->state == SENDING) return WAIT_MAX_MS;
  return time_until(now, s->deadline);
}
