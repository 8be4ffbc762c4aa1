#include "link_receiver.h"

#include <string.h>

#include "clock.h"

void link_receiver_init(link_receiver *r) { memset(r, 0, sizeof *r); }

static void acknowledge(link_receiver *r, ack_kind kind, uint16_t seq) {
  if (r->outbox_count == LINK_OUTBOX) { /* the modem is stuck: the newest matters most */
    r->counters.acks_failed++;
    r->outbox_count--;
  }
  r->outbox[r->outbox_count++] = (ack_frame){kind, seq};
}

static frame_verdict refuse(link_receiver *r, const rylr_parser *frame, uint32_t *counter) {
  (*counter)++;
  acknowledge(r, ACK_REFUSED, sensor_frame_guess_seq(frame->payload, frame->payload_length));
  return FRAME_REFUSED;
}

static uint16_t frame_crc(const rylr_parser *frame) {
  const uint8_t *end = frame->payload + frame->payload_length;
  return (uint16_t)(end[-2] << 8 | end[-1]);
}

/* The known frame that this one repeats, or NULL. */
static heard_frame *find_original(link_receiver *r, uint16_t seq, uint16_t crc, uint32_t now) {
  for (uint8_t i = 0; i < r->history_count; i++) {
    heard_frame *h = &r->history[i];
    if (h->seq != seq || h->crc != crc) continue;
    bool silent = time_reached(now, h->heard_ms + LINK_SILENCE_MS);
    return !silent || (i == 0 && seq != 1) ? h : NULL;
  }
  return NULL;
}

static void count_gap(link_receiver *r, uint16_t seq) {
  uint16_t step = (uint16_t)(seq - r->newest_seq);
  bool first = r->history_count == 0;
  bool late = !first && seq != 1 && step >= 0x8000;
  if (late && r->counters.gaps) r->counters.gaps--;
  if (late) return;
  if (!first && seq == 1 && step != 1) {
    r->counters.reboots++;
  } else if (!first && step > 1) {
    r->counters.gaps += step - 1u;
  }
  r->newest_seq = seq;
}

static void remember(link_receiver *r, uint16_t seq, uint16_t crc, uint32_t now) {
  if (r->history_count < LINK_HISTORY) r->history_count++;
  memmove(r->history + 1, r->history, (r->history_count - 1u) * sizeof r->history[0]);
  r->history[0] = (heard_frame){seq, crc, now};
}

frame_verdict link_receiver_take(link_receiver *r, const rylr_parser *frame, bool host_has_room,
                                 sensor_packet *packet, uint32_t now) {
  if (frame->address != LINK_SENSOR_ADDRESS) {
    r->counters.foreign++;
    return FRAME_IGNORED;
  }
  frame_status status = sensor_frame_decode(frame->payload, frame->payload_length, packet);
  if (status == FRAME_BAD_CRC) return refuse(r, frame, &r->counters.crc_errors);
  if (status == FRAME_BAD_ENCODING) return refuse(r, frame, &r->counters.decode_errors);
  uint16_t crc = frame_crc(frame);
  heard_frame *original = find_original(r, packet->seq, crc, now);
  if (!original && !host_has_room) {
    r->counters.host_full++;
    return FRAME_IGNORED;
  }
  acknowledge(r, ACK_ACCEPTED, packet->seq);
  if (original) {
    original->heard_ms = now;
    r->counters.duplicates++;
    return FRAME_REPEATED;
  }
  count_gap(r, packet->seq);
  remember(r, packet->seq, crc, now);
  r->counters.received++;
  return FRAME_ACCEPTED;
}

static void drop_first(link_receiver *r) {
  r->outbox_count--;
  memmove(r->outbox, r->outbox + 1, r->outbox_count * sizeof r->outbox[0]);
  r->tries = 0;
}

static void on_send_failed(link_receiver *r) {
  if (r->tries < LINK_ACK_TRIES) return;
  r->counters.acks_failed++;
  drop_first(r);
}

void link_receiver_poll(link_receiver *r, rylr998 *modem, radio_event event, uint32_t now) {
  if (r->sending && event == RADIO_SENT) {
    r->sending = false;
    drop_first(r);
  }
  if (r->sending && event == RADIO_SEND_FAILED) {
    r->sending = false;
    on_send_failed(r);
  }
  if (r->sending || r->outbox_count == 0 || !rylr998_idle(modem)) return;
  uint8_t bytes[ACK_FRAME_MAX];
  size_t count = ack_encode(r->outbox[0], bytes);
  r->tries++;
  r->sending = rylr998_send(modem, LINK_SENSOR_ADDRESS, bytes, count, now);
}
