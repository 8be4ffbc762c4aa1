#include "publisher.h"

#include <string.h>

#include "clock.h"

enum { CLOSED, CONNECTING, READY, UNCONFIRMED };

void publisher_init(publisher *p, uplink *link, result_queue *queue, const settings *to,
                    const char *model_name) {
  memset(p, 0, sizeof *p);
  p->link = link;
  p->queue = queue;
  p->to = to;
  p->model_name = model_name;
}

static void add_share(text *out, const char *name, uint16_t ten_thousandths) {
  text_add(out, name);
  text_decimal(out, ten_thousandths, 4);
}

void publisher_payload(text *out, const result *r, uint64_t time_ms, const char *model_name) {
  text_add(out, "{\"seq\":");
  text_u32(out, r->seq);
  if (time_ms) {
    text_add(out, ",\"ts\":");
    text_u64(out, time_ms);
  }
  text_add(out, r->person ? ",\"label\":\"person\"" : ",\"label\":\"empty\"");
  add_share(out, ",\"score\":", r->score);
  add_share(out, ",\"avg\":", r->average);
  text_add(out, ",\"window\":");
  text_u32(out, r->window);
  text_add(out, ",\"model\":\"");
  text_add(out, model_name);
  text_add(out, "\",\"debug\":{\"us\":");
  text_u32(out, r->infer_us);
  text_add(out, ",\"z0\":");
  text_i32(out, r->logits[0]);
  text_add(out, ",\"z1\":");
  text_i32(out, r->logits[1]);
  text_add(out, "}}");
}

static void give_up(publisher *p, uint32_t now) {
  p->state = CLOSED;
  uplink_fail(p->link, now);
}

void publisher_restart(publisher *p, uint32_t now) {
  uplink_confirm(p->link);
  give_up(p, now);
  uplink_confirm(p->link);
}

static bool send(publisher *p, const uint8_t *packet, size_t count, uint32_t now) {
  p->last_sent_ms = now;
  p->deadline = now + PUBLISHER_ANSWER_MS;
  return uplink_send(p->link, packet, count, now);
}

static void greet(publisher *p, uint32_t now) {
  uint8_t packet[256];
  mqtt_connect c = {.client_id = p->to->device,
                    .username = p->to->secret[0] ? p->to->device : NULL,
                    .password = p->to->secret[0] ? p->to->secret : NULL,
                    .keep_alive_s = PUBLISHER_KEEP_ALIVE_S};
  mqtt_reader_init(&p->reader);
  p->ping_waits = false;
  p->state = CONNECTING;
  if (!send(p, packet, mqtt_encode_connect(&c, packet, sizeof packet), now)) give_up(p, now);
}

static uint16_t packet_id(uint32_t seq) { return (uint16_t)(seq % 65535 + 1); }

/* When it was made, by what this boot knows now; another boot's clock is gone. */
static uint64_t time_of(const publisher *p, const result *r) {
  if (r->time_ms || r->boot != p->queue->head.boot) return r->time_ms;
  return uplink_unix_ms(p->link, r->uptime_ms);
}

static void publish(publisher *p, const result *r, uint32_t now) {
  char topic[32 + SETTINGS_TEXT_MAX], payload[PUBLISHER_PAYLOAD_MAX];
  uint8_t packet[UPLINK_SEND_MAX];
  text t = text_on(topic, sizeof topic), body = text_on(payload, sizeof payload);
  bool again = p->queue->head.sending_seq == r->seq;
  uint64_t time_ms = result_queue_fix_time(p->queue, r->seq, time_of(p, r));
  text_add(&t, "devices/");
  text_add(&t, p->to->device);
  text_add(&t, "/prediction");
  publisher_payload(&body, r, time_ms, p->model_name);
  mqtt_publish m = {topic, payload, packet_id(r->seq), again};
  size_t count = mqtt_encode_publish(&m, packet, sizeof packet);
  p->counters.published++;
  if (again) p->counters.repeated++;
  p->sending_seq = r->seq;
  p->state = UNCONFIRMED;
  if (!send(p, packet, count, now)) give_up(p, now);
}

static void ping(publisher *p, uint32_t now) {
  uint8_t packet[2];
  p->ping_waits = true;
  if (!send(p, packet, mqtt_encode_pingreq(packet, sizeof packet), now)) give_up(p, now);
}

static void on_connack(publisher *p, uint32_t now) {
  if (p->state != CONNECTING) return give_up(p, now);
  p->refused_code = p->reader.code;
  if (p->reader.code) {
    p->counters.refused++;
    return give_up(p, now);
  }
  p->state = READY;
  uplink_confirm(p->link);
}

static void on_puback(publisher *p) {
  if (p->state != UNCONFIRMED || p->reader.packet_id != packet_id(p->sending_seq)) return;
  p->counters.confirmed++;
  result_queue_settle(p->queue, p->sending_seq);
  p->state = READY;
}

static void on_byte(publisher *p, uint8_t byte, uint32_t now) {
  switch (mqtt_reader_feed(&p->reader, byte)) {
    case MQTT_CONNACK:
      on_connack(p, now);
      break;
    case MQTT_PUBACK:
      on_puback(p);
      break;
    case MQTT_PINGRESP:
      p->ping_waits = false;
      break;
    case MQTT_MALFORMED:
      p->counters.malformed++;
      give_up(p, now);
      break;
    default:
      break;
  }
}

static bool answer_is_late(const publisher *p, uint32_t now) {
  bool waiting = p->state == CONNECTING || p->state == UNCONFIRMED || p->ping_waits;
  return p->state != CLOSED && waiting && time_reached(now, p->deadline);
}

static void act(publisher *p, uint32_t now) {
  result r;
  if (answer_is_late(p, now)) {
    p->counters.unanswered++;
    give_up(p, now);
  }
  if (p->state != READY || p->ping_waits || !uplink_can_send(p->link)) return;
  if (result_queue_peek(p->queue, &r)) {
    publish(p, &r, now);
  } else if (time_reached(now, p->last_sent_ms + PUBLISHER_PING_MS)) {
    ping(p, now);
  }
}

void publisher_poll(publisher *p, uint32_t now) {
  uplink_event event;
  while ((event = uplink_poll(p->link, now)) != UPLINK_NOTHING) {
    if (event == UPLINK_OPENED) greet(p, now);
    if (event == UPLINK_LOST) p->state = CLOSED;
    if (event == UPLINK_BYTE) on_byte(p, p->link->parser.byte, now);
  }
  act(p, now);
}
