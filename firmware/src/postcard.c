#include "postcard.h"

#include "crc.h"

typedef struct {
  const uint8_t *at;
  const uint8_t *end;
} reader;

static size_t put_varint(uint8_t *out, uint32_t value) {
  size_t count = 0;
  while (value > 0x7F) {
    out[count++] = (uint8_t)(value | 0x80);
    value >>= 7;
  }
  out[count++] = (uint8_t)value;
  return count;
}

/* At most ceil(bits / 7) bytes, and the value must fit: 0x81 0x80 0x80 0x00 is not a u16. */
static bool get_varint(reader *r, unsigned bits, uint32_t *value) {
  uint64_t sum = 0;
  for (unsigned shift = 0; shift < bits; shift += 7) {
    if (r->at == r->end) return false;
    uint8_t byte = *r->at++;
    sum |= (uint64_t)(byte & 0x7F) << shift;
    if (byte & 0x80) continue;
    *value = (uint32_t)sum;
    return sum >> bits == 0;
  }
  return false;
}

static uint32_t zigzag(int16_t value) {
  return value < 0 ? (uint32_t)(-2 * (int32_t)value - 1) : 2u * (uint32_t)value;
}

static int16_t unzigzag(uint32_t value) {
  return (int16_t)((value & 1) ? -(int32_t)(value >> 1) - 1 : (int32_t)(value >> 1));
}

size_t sensor_frame_encode(const sensor_packet *p, uint8_t *frame) {
  size_t n = put_varint(frame, p->seq);
  n += put_varint(frame + n, zigzag(p->temperature_x10));
  n += put_varint(frame + n, p->humidity_x100);
  n += put_varint(frame + n, p->gas_ohms);
  uint16_t crc = crc16_ibm3740(frame, n);
  frame[n++] = (uint8_t)(crc >> 8);
  frame[n++] = (uint8_t)crc;
  return n;
}

frame_status sensor_frame_decode(const uint8_t *frame, size_t count, sensor_packet *packet) {
  if (count < CRC_BYTES) return FRAME_BAD_CRC;
  size_t body = count - CRC_BYTES;
  uint16_t sent = (uint16_t)(frame[body] << 8 | frame[body + 1]);
  if (crc16_ibm3740(frame, body) != sent) return FRAME_BAD_CRC;
  reader r = {frame, frame + body};
  uint32_t seq, temperature, humidity, gas;
  if (!get_varint(&r, 16, &seq) || !get_varint(&r, 16, &temperature) ||
      !get_varint(&r, 16, &humidity) || !get_varint(&r, 32, &gas) || r.at != r.end) {
    return FRAME_BAD_ENCODING;
  }
  *packet = (sensor_packet){(uint16_t)seq, unzigzag(temperature), (uint16_t)humidity, gas};
  return FRAME_OK;
}

uint16_t sensor_frame_guess_seq(const uint8_t *frame, size_t count) {
  reader r = {frame, frame + count};
  uint32_t seq;
  return get_varint(&r, 16, &seq) ? (uint16_t)seq : 0;
}

size_t ack_encode(ack_frame ack, uint8_t *frame) {
  frame[0] = (uint8_t)ack.kind;
  return 1 + put_varint(frame + 1, ack.seq);
}

ack_frame ack_decode(const uint8_t *frame, size_t count) {
  const ack_frame none = {ACK_NONE, 0};
  if (count < 2 || (frame[0] != ACK_ACCEPTED && frame[0] != ACK_REFUSED)) return none;
  reader r = {frame + 1, frame + count};
  uint32_t seq;
  if (!get_varint(&r, 16, &seq) || r.at != r.end) return none;
  return (ack_frame){(ack_kind)frame[0], (uint16_t)seq};
}
