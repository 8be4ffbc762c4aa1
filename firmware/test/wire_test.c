/* The golden bytes that the TypeScript decoders read too. */
#include "check.h"
#include "crc.h"
#include "golden.h"
#include "text.h"

#define COUNT(table) (sizeof table / sizeof table[0])

static void test_crcs(void) {
  for (size_t i = 0; i < COUNT(golden_crcs); i++) {
    const golden_crc *g = &golden_crcs[i];
    CHECK_EQUAL(g->crc, crc16_ibm3740(g->input.at, g->input.count));
  }
  CHECK_EQUAL(0x92, crc8_sensirion((const uint8_t[]){0xBE, 0xEF}, 2));
  CHECK_EQUAL(0xCBF43926, crc32_iso("123456789", 9));
}

static void test_sensor_frames(void) {
  for (size_t i = 0; i < COUNT(golden_sensors); i++) {
    const golden_sensor *g = &golden_sensors[i];
    uint8_t frame[SENSOR_FRAME_MAX];
    sensor_packet p;
    CHECK_EQUAL(g->frame.count, sensor_frame_encode(&g->packet, frame));
    CHECK(!memcmp(frame, g->frame.at, g->frame.count));
    CHECK_EQUAL(FRAME_OK, sensor_frame_decode(g->frame.at, g->frame.count, &p));
    CHECK_EQUAL(g->packet.seq, p.seq);
    CHECK_EQUAL(g->packet.temperature_x10, p.temperature_x10);
    CHECK_EQUAL(g->packet.humidity_x100, p.humidity_x100);
    CHECK_EQUAL(g->packet.gas_ohms, p.gas_ohms);
  }
  for (size_t i = 0; i < COUNT(golden_bad_sensors); i++) {
    const golden_bad_sensor *g = &golden_bad_sensors[i];
    sensor_packet p;
    CHECK_EQUAL(g->status, sensor_frame_decode(g->frame.at, g->frame.count, &p));
  }
}

/* Any one to three flipped bits of any golden frame must be seen. */
static void test_flipped_bits(void) {
  for (size_t i = 0; i < COUNT(golden_sensors); i++) {
    golden_bytes f = golden_sensors[i].frame;
    sensor_packet p;
    for (size_t a = 0; a < f.count * 8; a++) {
      for (size_t b = a; b < f.count * 8; b++) {
        golden_bytes bad = f;
        bad.at[a / 8] ^= (uint8_t)(1 << a % 8);
        if (b != a) bad.at[b / 8] ^= (uint8_t)(1 << b % 8);
        CHECK_EQUAL(FRAME_BAD_CRC, sensor_frame_decode(bad.at, bad.count, &p));
      }
    }
  }
}

static void test_acks(void) {
  for (size_t i = 0; i < COUNT(golden_acks); i++) {
    const golden_ack *g = &golden_acks[i];
    uint8_t frame[ACK_FRAME_MAX];
    CHECK_EQUAL(g->frame.count, ack_encode(g->ack, frame));
    CHECK(!memcmp(frame, g->frame.at, g->frame.count));
    CHECK_EQUAL(g->ack.kind, ack_decode(frame, g->frame.count).kind);
    CHECK_EQUAL(g->ack.seq, ack_decode(frame, g->frame.count).seq);
  }
  for (size_t i = 0; i < COUNT(golden_bad_acks); i++) {
    const golden_ack *g = &golden_bad_acks[i];
    CHECK_EQUAL(ACK_NONE, ack_decode(g->frame.at, g->frame.count).kind);
  }
}

static void check_event(const rylr_parser *p, const golden_event *wanted, rylr_event got) {
  CHECK_EQUAL(wanted->kind, got);
  if (got == RYLR_ERROR) CHECK_EQUAL(wanted->code, p->error);
  if (got != RYLR_RECEIVED) return;
  CHECK_EQUAL(wanted->address, p->address);
  CHECK_EQUAL(wanted->rssi, p->rssi);
  CHECK_EQUAL(wanted->snr, p->snr);
  CHECK_EQUAL(wanted->payload.count, p->payload_length);
  CHECK(!memcmp(wanted->payload.at, p->payload, p->payload_length));
}

static void test_streams(void) {
  for (size_t i = 0; i < COUNT(golden_streams); i++) {
    const golden_stream *g = &golden_streams[i];
    rylr_parser p;
    size_t found = 0;
    rylr_parser_init(&p);
    for (size_t at = 0; at < g->bytes.count; at++) {
      rylr_event event = rylr_parser_feed(&p, g->bytes.at[at], 0);
      if (event == RYLR_NOTHING) continue;
      CHECK(found < g->count);
      check_event(&p, &g->events[found++], event);
    }
    CHECK_EQUAL(g->count, found);
    CHECK_EQUAL(RYLR_NOTHING, rylr_parser_idle(&p, PARSER_SILENCE_MS));
  }
}

/* A frame that lost its tail must not swallow the next one. */
static void test_lost_bytes(void) {
  static const char *const cut = "+RCV=1,10,abc";
  static const char *const whole = "+RCV=1,3,xyz,-20,7\r\n";
  rylr_parser p;
  rylr_parser_init(&p);
  for (const char *c = cut; *c; c++) rylr_parser_feed(&p, (uint8_t)*c, 100);
  CHECK_EQUAL(RYLR_NOTHING, rylr_parser_idle(&p, 100 + PARSER_SILENCE_MS - 1));
  CHECK_EQUAL(RYLR_FRAMING, rylr_parser_idle(&p, 100 + PARSER_SILENCE_MS));
  rylr_event last = RYLR_NOTHING;
  for (const char *c = whole; *c; c++) last = rylr_parser_feed(&p, (uint8_t)*c, 400);
  CHECK_EQUAL(RYLR_RECEIVED, last);
  CHECK_EQUAL(3, p.payload_length);
}

static void check_decimal(const char *wanted, int32_t value, unsigned decimals) {
  char bytes[16];
  text t = text_on(bytes, sizeof bytes);
  text_decimal(&t, value, decimals);
  CHECK_TEXT(wanted, bytes);
}

static void test_text(void) {
  check_decimal("27.3", 2730, 2);
  check_decimal("26", 2600, 2);
  check_decimal("0", 0, 2);
  check_decimal("-0.5", -5, 1);
  check_decimal("-0.05", -5, 2);
  check_decimal("1013.25", 101325, 2);
  check_decimal("-214748364.8", INT32_MIN, 1);
  char small[4];
  text t = text_on(small, sizeof small);
  text_add(&t, "abcdef");
  CHECK_TEXT("abc", small);
  CHECK(t.overflow);
}

void wire_tests(void) {
  test_crcs();
  test_sensor_frames();
  test_flipped_bits();
  test_acks();
  test_streams();
  test_lost_bytes();
  test_text();
}
