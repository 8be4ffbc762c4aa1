#include "mqtt_packet.h"

#include <string.h>

enum { TYPE, LENGTH, BODY, BROKEN };
enum { CONNACK = 2, PUBACK = 4, PINGRESP = 13 };
enum { CLEAN_SESSION_OFF = 0, HAS_PASSWORD = 0x40, HAS_USERNAME = 0x80, PROTOCOL_LEVEL = 4 };

void mqtt_reader_init(mqtt_reader *r) { memset(r, 0, sizeof *r); }

static mqtt_event malformed(mqtt_reader *r) {
  r->state = BROKEN;
  return MQTT_MALFORMED;
}

static mqtt_event finish_connack(mqtt_reader *r) {
  if (r->body_count != 2 || r->body[0] > 1) return malformed(r);
  r->session_present = r->body[0] & 1;
  r->code = r->body[1];
  return MQTT_CONNACK;
}

static mqtt_event finish_puback(mqtt_reader *r) {
  if (r->body_count != 2) return malformed(r);
  r->packet_id = (uint16_t)(r->body[0] << 8 | r->body[1]);
  return r->packet_id ? MQTT_PUBACK : malformed(r);
}

static mqtt_event finish(mqtt_reader *r) {
  uint8_t flags = r->type_and_flags & 15;
  r->state = TYPE;
  switch (r->type_and_flags >> 4) {
    case CONNACK:
      return flags ? malformed(r) : finish_connack(r);
    case PUBACK:
      return flags ? malformed(r) : finish_puback(r);
    case PINGRESP:
      return flags || r->body_count ? malformed(r) : MQTT_PINGRESP;
    case 0:
    case 15:
      return malformed(r);
    default:
      return MQTT_OTHER;
  }
}

/* Seven bits a byte, four bytes at most [MQTT-2.2.3]. */
static mqtt_event take_length(mqtt_reader *r, uint8_t byte) {
  r->remaining |= (uint32_t)(byte & 0x7F) << (7 * r->length_bytes);
  r->length_bytes++;
  if (byte & 0x80) return r->length_bytes == MQTT_LENGTH_BYTES_MAX ? malformed(r) : MQTT_NOTHING;
  r->state = BODY;
  return r->remaining ? MQTT_NOTHING : finish(r);
}

/* Only the first bytes of a body are kept; the rest of a packet nobody asked for is counted off. */
static mqtt_event take_body(mqtt_reader *r, uint8_t byte) {
  if (r->body_count < MQTT_BODY_MAX) r->body[r->body_count++] = byte;
  return --r->remaining ? MQTT_NOTHING : finish(r);
}

mqtt_event mqtt_reader_feed(mqtt_reader *r, uint8_t byte) {
  switch (r->state) {
    case TYPE:
      r->type_and_flags = byte;
      r->length_bytes = r->body_count = 0;
      r->remaining = 0;
      r->state = LENGTH;
      return MQTT_NOTHING;
    case LENGTH:
      return take_length(r, byte);
    case BODY:
      return take_body(r, byte);
    default:
      return MQTT_MALFORMED;
  }
}

/* ---- encoding ---- */

typedef struct {
  uint8_t *out;
  size_t size, used;
} writer;

static void put(writer *w, uint8_t byte) {
  if (w->used < w->size) w->out[w->used] = byte;
  w->used++;
}

static void put_u16(writer *w, uint16_t value) {
  put(w, (uint8_t)(value >> 8));
  put(w, (uint8_t)value);
}

static void put_text(writer *w, const char *words) {
  size_t count = strlen(words);
  put_u16(w, (uint16_t)count);
  for (size_t i = 0; i < count; i++) put(w, (uint8_t)words[i]);
}

static void put_length(writer *w, size_t length) {
  while (length > 0x7F) {
    put(w, (uint8_t)(length | 0x80));
    length >>= 7;
  }
  put(w, (uint8_t)length);
}

static size_t text_bytes(const char *words) { return words ? 2 + strlen(words) : 0; }

static size_t result_of(const writer *w) { return w->used <= w->size ? w->used : 0; }

size_t mqtt_encode_connect(const mqtt_connect *c, uint8_t *out, size_t size) {
  writer w = {out, size, 0};
  uint8_t flags = CLEAN_SESSION_OFF;
  if (c->username) flags |= HAS_USERNAME;
  if (c->password) flags |= HAS_PASSWORD;
  put(&w, 0x10);
  put_length(&w, 10 + text_bytes(c->client_id) + text_bytes(c->username) + text_bytes(c->password));
  put_text(&w, "MQTT");
  put(&w, PROTOCOL_LEVEL);
  put(&w, flags);
  put_u16(&w, c->keep_alive_s);
  put_text(&w, c->client_id);
  if (c->username) put_text(&w, c->username);
  if (c->password) put_text(&w, c->password);
  return result_of(&w);
}

size_t mqtt_encode_publish(const mqtt_publish *p, uint8_t *out, size_t size) {
  writer w = {out, size, 0};
  put(&w, p->duplicate ? 0x3A : 0x32); /* QoS 1 */
  put_length(&w, text_bytes(p->topic) + 2 + strlen(p->payload));
  put_text(&w, p->topic);
  put_u16(&w, p->packet_id);
  for (const char *c = p->payload; *c; c++) put(&w, (uint8_t)*c);
  return result_of(&w);
}

size_t mqtt_encode_pingreq(uint8_t *out, size_t size) {
  writer w = {out, size, 0};
  put(&w, 0xC0);
  put(&w, 0x00);
  return result_of(&w);
}
