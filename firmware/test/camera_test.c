/* Node 3's parts: kernels against the golden pictures, presence, queue under power loss, MQTT
 * bytes, the modem's state machine, and the publisher against a scripted broker. */
#include "check.h"
#include "clock.h"
#include "esp_parser.h"
#include "fake_board.h"
#include "fram.h"
#include "golden_pictures.h"
#include "mqtt_packet.h"
#include "presence.h"
#include "publisher.h"

#define COUNT(table) (sizeof table / sizeof table[0])

static void test_kernels(void) {
  static nn_run run;
  for (size_t i = 0; i < COUNT(golden_pictures); i++) {
    const golden_picture *g = &golden_pictures[i];
    CHECK(nn_start(&run, &model, g->pixels));
    while (!nn_step(&run)) continue;
    CHECK(nn_step(&run)); /* stays done */
    CHECK_EQUAL(g->logits[0], nn_logit(&run, 0));
    CHECK_EQUAL(g->logits[1], nn_logit(&run, 1));
    CHECK_EQUAL(g->score, nn_score(&run));
  }
  const nn_layer huge = {.op = NN_CONV, .kernel = 3, .out_side = 24, .out_channels = 8};
  const nn_model unfit = {"unfit", &huge, 1, NULL};
  CHECK(!nn_start(&run, &unfit, golden_pictures[0].pixels));
}

static void test_presence(void) {
  presence p = {0};
  CHECK_EQUAL(9000, presence_take(&p, 9000));
  CHECK(p.person);
  CHECK_EQUAL(5000, presence_take(&p, 1000)); /* between the thresholds it stays */
  CHECK(p.person);
  CHECK_EQUAL(3500, presence_take(&p, 500));
  CHECK(!p.person);
  for (int i = 0; i < 5; i++) presence_take(&p, 5900);
  CHECK(!p.person);
  CHECK_EQUAL(PRESENCE_WINDOW, p.count);
}

static void test_gate(void) {
  static frame_gate g;
  static int8_t pixels[NN_PIXELS];
  CHECK(frame_gate_passes(&g, pixels));
  for (int i = 0; i < GATE_SKIPS_MAX; i++) CHECK(!frame_gate_passes(&g, pixels));
  CHECK(frame_gate_passes(&g, pixels)); /* a sign of life */
  memset(pixels, GATE_MEAN_DIFFERENCE - 1, sizeof pixels);
  CHECK(!frame_gate_passes(&g, pixels));
  memset(pixels, GATE_MEAN_DIFFERENCE, sizeof pixels);
  CHECK(frame_gate_passes(&g, pixels));
}

/* ---- queue ---- */

static uint8_t memory[QUEUE_SLOTS_AT + 8 * QUEUE_SLOT];
static long bytes_left; /* until the power fails, negative: never */

static bool memory_read(void *context, uint32_t at, void *bytes, size_t count) {
  (void)context;
  memcpy(bytes, memory + at, count);
  return true;
}

static bool memory_write(void *context, uint32_t at, const void *bytes, size_t count) {
  (void)context;
  for (size_t i = 0; i < count; i++) {
    if (bytes_left == 0) return false;
    if (bytes_left > 0) bytes_left--;
    memory[at + i] = ((const uint8_t *)bytes)[i];
  }
  return true;
}

static result_queue reopened(void) {
  static result_queue q;
  bytes_left = -1;
  result_queue_open(&q, (storage){memory, sizeof memory, memory_read, memory_write});
  return q;
}

static void push(result_queue *q, uint16_t score) {
  result r = {.score = score};
  result_queue_push(q, &r);
}

static void test_queue(void) {
  memset(memory, 0xFF, sizeof memory);
  result_queue q = reopened();
  result r;
  CHECK(!result_queue_peek(&q, &r));
  CHECK_EQUAL(8, q.capacity);
  for (uint16_t i = 1; i <= 5; i++) push(&q, i);
  CHECK(result_queue_peek(&q, &r));
  CHECK_EQUAL(1, r.seq);
  result_queue_settle(&q, 3); /* not the oldest */
  CHECK_EQUAL(5, result_queue_waiting(&q));
  result_queue_settle(&q, 1);
  q = reopened();
  CHECK_EQUAL(4, result_queue_waiting(&q));
  CHECK_EQUAL(2, q.head.boot);
  for (uint16_t i = 6; i <= 12; i++) push(&q, i);
  CHECK_EQUAL(8, result_queue_waiting(&q));
  CHECK_EQUAL(3, q.head.dropped);
  q = reopened();
  CHECK_EQUAL(3, q.head.dropped);
  for (uint32_t seq = 5; seq <= 12; seq++) {
    CHECK(result_queue_peek(&q, &r));
    CHECK_EQUAL(seq, r.seq);
    CHECK_EQUAL(seq, r.score);
    result_queue_settle(&q, seq);
  }
  push(&q, 13);
  result_queue_peek(&q, &r);
  CHECK_EQUAL(13, r.seq); /* never used again */
}

static void test_fixed_time(void) {
  memset(memory, 0, sizeof memory);
  result_queue q = reopened();
  push(&q, 1);
  CHECK_EQUAL(0, result_queue_fix_time(&q, 1, 0));
  CHECK_EQUAL(0, result_queue_fix_time(&q, 1, 1767225600000)); /* known now, but sent without */
  q = reopened();
  CHECK_EQUAL(0, result_queue_fix_time(&q, 1, 1767225600000));
  CHECK_EQUAL(1767225600000, result_queue_fix_time(&q, 2, 1767225600000));
  q = reopened();
  CHECK_EQUAL(1767225600000, result_queue_fix_time(&q, 2, 1767225600999)); /* a repeat */
}

/* Power fails after any single byte of a long history: nothing that waits is lost but the result
 * being written, nothing settled comes back but the one being settled, order holds. */
static void test_queue_power_loss(void) {
  for (long cut = 0; cut < 2600; cut++) {
    memset(memory, 0xFF, sizeof memory);
    result_queue q = reopened();
    uint32_t pushed = 0, settled = 0;
    bytes_left = cut;
    for (int step = 0; step < 24 && bytes_left; step++) {
      if (step % 3 < 2) {
        push(&q, (uint16_t)(pushed + 1));
        if (bytes_left) pushed++;
      } else {
        result_queue_settle(&q, settled + 1);
        if (bytes_left) settled++;
      }
    }
    uint32_t dropped = q.head.dropped;
    q = reopened();
    result r;
    uint32_t first = q.head.acknowledged + 1;
    CHECK(first == settled + dropped + 1 || first == settled + dropped + 2 ||
          first == settled + dropped);
    CHECK(q.next_seq == pushed + 1 || q.next_seq == pushed + 2);
    for (uint32_t seq = first; seq < q.next_seq; seq++) {
      CHECK(result_queue_peek(&q, &r));
      CHECK_EQUAL(seq, r.seq);
      CHECK_EQUAL(seq, r.score);
      result_queue_settle(&q, seq);
    }
    CHECK_EQUAL(0, q.damaged);
  }
}

static void test_damaged_slot(void) {
  memset(memory, 0xFF, sizeof memory);
  result_queue q = reopened();
  result r;
  for (uint16_t i = 1; i <= 4; i++) push(&q, i);
  memory[QUEUE_SLOTS_AT + 2 * QUEUE_SLOT + 20] ^= 1; /* seq 2 */
  q = reopened();
  CHECK_EQUAL(4, result_queue_waiting(&q));
  result_queue_peek(&q, &r);
  result_queue_settle(&q, 1);
  CHECK(result_queue_peek(&q, &r));
  CHECK_EQUAL(3, r.seq);
  CHECK_EQUAL(1, q.damaged);
}

static void test_queue_in_ram(void) {
  static result_queue q;
  result r;
  result_queue_open(&q, (storage){0});
  CHECK_EQUAL(QUEUE_RAM_SLOTS, q.capacity);
  push(&q, 7);
  CHECK(result_queue_peek(&q, &r));
  CHECK_EQUAL(7, r.score);
}

/* ---- MQTT ---- */

static void test_mqtt_bytes(void) {
  static const uint8_t connect[] = {0x10, 22, 0, 4, 'M', 'Q', 'T', 'T', 4, 0xC0, 0, 60,
                                    0,    2,  'n', '3', 0, 2, 'n', '3', 0, 2, 'p', 'w'};
  static const uint8_t publish[] = {0x3A, 9, 0, 3, 'a', '/', 'b', 1, 2, '{', '}'};
  uint8_t out[64];
  mqtt_connect c = {"n3", "n3", "pw", 60};
  CHECK_EQUAL(sizeof connect, mqtt_encode_connect(&c, out, sizeof out));
  CHECK(!memcmp(connect, out, sizeof connect));
  CHECK_EQUAL(0, mqtt_encode_connect(&c, out, sizeof connect - 1));
  mqtt_publish p = {"a/b", "{}", 0x0102, true};
  CHECK_EQUAL(sizeof publish, mqtt_encode_publish(&p, out, sizeof out));
  CHECK(!memcmp(publish, out, sizeof publish));
  char long_payload[200];
  memset(long_payload, 'x', 199);
  long_payload[199] = 0;
  uint8_t large[300];
  p.payload = long_payload;
  CHECK_EQUAL(2 + 1 + 5 + 2 + 199, mqtt_encode_publish(&p, large, sizeof large));
  CHECK_EQUAL(0xCE, large[1]); /* 206 = 0x4E | 0x80, 1 */
  CHECK_EQUAL(1, large[2]);
}

static mqtt_event read_all(mqtt_reader *r, const uint8_t *bytes, size_t count) {
  mqtt_event last = MQTT_NOTHING;
  mqtt_reader_init(r);
  for (size_t i = 0; i < count; i++) last = mqtt_reader_feed(r, bytes[i]);
  return last;
}

#define READ(...) \
  read_all(&r, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_mqtt_reader(void) {
  mqtt_reader r;
  CHECK_EQUAL(MQTT_CONNACK, READ(0x20, 2, 1, 5));
  CHECK(r.session_present && r.code == 5);
  CHECK_EQUAL(MQTT_PUBACK, READ(0x40, 2, 0x12, 0x34));
  CHECK_EQUAL(0x1234, r.packet_id);
  CHECK_EQUAL(MQTT_PINGRESP, READ(0xD0, 0));
  CHECK_EQUAL(MQTT_OTHER, READ(0x30, 3, 0, 1, 'a'));
  CHECK_EQUAL(MQTT_MALFORMED, READ(0x20, 3, 0, 0, 0));
  CHECK_EQUAL(MQTT_MALFORMED, READ(0x40, 2, 0, 0));
  CHECK_EQUAL(MQTT_MALFORMED, READ(0x41, 2, 0, 1));
  CHECK_EQUAL(MQTT_MALFORMED, READ(0x20, 2, 2, 0));
  CHECK_EQUAL(MQTT_MALFORMED, READ(0x30, 0xFF, 0xFF, 0xFF, 0xFF));
  CHECK_EQUAL(MQTT_MALFORMED, READ(0xF0, 0));
}

static void test_time(void) {
  CHECK_EQUAL(0, esp_parse_time("Thu Aug 04 14:48:05 2016")); /* before 2020 */
  CHECK_EQUAL(1577836800, esp_parse_time("Wed Jan 01 00:00:00 2020"));
  CHECK_EQUAL(1582934400 + 86399, esp_parse_time("Sat Feb 29 23:59:59 2020"));
  CHECK_EQUAL(1767225600, esp_parse_time("Thu Jan  1 00:00:00 2026"));
  CHECK_EQUAL(4102444800, esp_parse_time("Fri Jan 01 00:00:00 2100"));
  CHECK_EQUAL(0, esp_parse_time("Thu Xan 01 00:00:00 2026"));
  CHECK_EQUAL(0, esp_parse_time("Thu Jan 01 24:00:00 2026"));
  CHECK_EQUAL(0, esp_parse_time(""));
}

/* ---- publisher over a scripted modem ---- */

static fake_line line;
static uplink wifi;
static publisher out;
static result_queue queue;
static settings to;
static uint32_t now;

static void expect(const char *wanted) {
  publisher_poll(&out, now);
  line.from_node[line.from_node_count] = 0;
  CHECK_TEXT(wanted, (char *)line.from_node);
  line.from_node_count = 0;
}

static void reply(const char *words) {
  fake_line_say(&line, words);
  publisher_poll(&out, now);
}

static void reply_data(const uint8_t *bytes, size_t count) {
  char head[16];
  snprintf(head, sizeof head, "\r\n+IPD,%zu:", count);
  fake_line_say(&line, head);
  fake_line_send(&line, bytes, count);
  publisher_poll(&out, now);
}

static void start_uplink(void) {
  memset(memory, 0xFF, sizeof memory);
  queue = reopened();
  fake_line_init(&line);
  now = 1000;
  settings_load(&to, &(storage){0});
  settings_set(&to, "ssid A,\"B");
  settings_set(&to, "wifi_password p\\w");
  settings_set(&to, "broker gw:2000");
  uplink_init(&wifi, fake_line_port(&line), &to, 5);
  publisher_init(&out, &wifi, &queue, &to, "m");
}

static void bring_up(void) {
  static const char *const commands[] = {
      "AT\r\n", "ATE0\r\n", "AT+CWMODE=1\r\n", "AT+CIPMUX=0\r\n",
      "AT+CWJAP=\"A\\,\\\"B\",\"p\\\\w\"\r\n", "AT+CIPSNTPCFG=1,0,\"pool.ntp.org\"\r\n"};
  for (size_t i = 0; i < COUNT(commands); i++) {
    expect(commands[i]);
    fake_line_say(&line, "OK\r\n");
  }
  expect("AT+CIPSNTPTIME?\r\n");
  fake_line_say(&line, "+CIPSNTPTIME:Thu Jan 01 00:00:00 2026\r\nOK\r\n");
  expect("AT+CIPCLOSE\r\n");
  fake_line_say(&line, "ERROR\r\n");
  expect("AT+CIPSTART=\"TCP\",\"gw\",2000\r\n");
  fake_line_say(&line, "CONNECT\r\n\r\nOK\r\n");
  expect("AT+CIPSEND=19\r\n");
  reply("OK\r\n> ");
  CHECK_EQUAL(0x10, line.from_node[0]);
  line.from_node_count = 0;
  reply("Recv 19 bytes\r\nSEND OK\r\n");
}

/* The first byte of the PUBLISH that is sent now, after the modem's prompt. */
static uint8_t published_header(void) {
  publisher_poll(&out, now);
  CHECK(line.from_node_count > 0 && !memcmp(line.from_node, "AT+CIPSEND=", 11));
  line.from_node_count = 0;
  reply("OK\r\n> ");
  uint8_t header = line.from_node[0];
  line.from_node_count = 0;
  reply("SEND OK\r\n");
  return header;
}

static void test_publisher(void) {
  static const uint8_t connack[] = {0x20, 2, 0, 0}, puback[] = {0x40, 2, 0, 2};
  start_uplink();
  bring_up();
  push(&queue, 9300);
  publisher_poll(&out, now);
  CHECK_EQUAL(0, line.from_node_count); /* not before the CONNACK */
  reply_data(connack, sizeof connack);
  CHECK_EQUAL(0x32, published_header());
  CHECK_EQUAL(1, result_queue_waiting(&queue)); /* leaves with its PUBACK, not before */
  reply("CLOSED\r\n");
  CHECK_EQUAL(1, wifi.counters.lost);
  uint32_t pause = uplink_wait(&wifi, now);
  CHECK(pause >= UPLINK_BACKOFF_MIN_MS / 2 && pause <= UPLINK_BACKOFF_MIN_MS);
  now += pause;
  wifi.unix_ms = 0; /* asked again */
  bring_up();
  reply_data(connack, sizeof connack);
  CHECK_EQUAL(0x3A, published_header()); /* marked as sent before */
  reply_data((const uint8_t[]){0x40, 2, 0, 9}, 4);
  CHECK_EQUAL(1, result_queue_waiting(&queue)); /* of something else */
  reply_data(puback, sizeof puback);
  CHECK_EQUAL(0, result_queue_waiting(&queue));
  CHECK_EQUAL(1, out.counters.repeated);
}

static void test_silence(void) {
  start_uplink();
  for (uint32_t end = now + 300000; now < end; now += 100) publisher_poll(&out, now);
  CHECK(wifi.counters.timeouts >= 5 && wifi.counters.timeouts <= 30); /* the pauses grow */
  start_uplink();
  bring_up();
  now += PUBLISHER_ANSWER_MS; /* no CONNACK */
  publisher_poll(&out, now);
  CHECK_EQUAL(1, out.counters.unanswered);
  start_uplink();
  bring_up();
  reply_data((const uint8_t[]){0x20, 2, 0, 5}, 4);
  CHECK_EQUAL(1, out.counters.refused);
  CHECK_EQUAL(5, out.refused_code);
}

static void test_keep_alive(void) {
  start_uplink();
  bring_up();
  reply_data((const uint8_t[]){0x20, 2, 0, 0}, 4);
  now += PUBLISHER_PING_MS;
  expect("AT+CIPSEND=2\r\n");
  reply("OK\r\n> ");
  CHECK_EQUAL(0xC0, line.from_node[0]);
  reply("SEND OK\r\n");
  now += PUBLISHER_ANSWER_MS;
  publisher_poll(&out, now);
  CHECK_EQUAL(1, out.counters.unanswered); /* a dead connection is found */
}

static void test_payload(void) {
  char bytes[PUBLISHER_PAYLOAD_MAX];
  text t = text_on(bytes, sizeof bytes);
  result r = {.seq = 17, .score = 9300, .average = 9000, .window = 5, .person = 1};
  r.infer_us = 3544;
  publisher_payload(&t, &r, 1767225600000, "silhouette-v1");
  CHECK_TEXT(
      "{\"seq\":17,\"ts\":1767225600000,\"label\":\"person\",\"score\":0.93,\"avg\":0.9,"
      "\"window\":5,\"model\":\"silhouette-v1\",\"debug\":{\"us\":3544,\"z0\":0,\"z1\":0}}",
      bytes);
  memset(&r, 0xFF, sizeof r);
  t = text_on(bytes, sizeof bytes);
  publisher_payload(&t, &r, UINT64_MAX, "silhouette-v1");
  CHECK(!t.overflow);
}

/* ---- FRAM ---- */

typedef struct {
  uint8_t content[FRAM_BYTES];
  bool enabled, present;
} fake_fram;

static bool fram_transfer(void *context, const uint8_t *sent, size_t sent_count, uint8_t *in,
                          size_t in_count) {
  fake_fram *f = context;
  if (in_count) memset(in, 0xFF, in_count);
  if (!f->present) return true;
  if (sent[0] == 0x06 || sent[0] == 0x04) f->enabled = sent[0] == 0x06;
  if (sent[0] == 0x05) in[0] = f->enabled ? 2 : 0;
  size_t at = sent_count >= 3 ? (size_t)(sent[1] << 8 | sent[2]) : 0;
  if (sent[0] == 0x03) memcpy(in, f->content + at, in_count);
  if (sent[0] == 0x02 && f->enabled) memcpy(f->content + at, sent + 3, sent_count - 3);
  if (sent[0] == 0x02) f->enabled = false;
  return true;
}

static void test_fram(void) {
  static fake_fram f = {.present = true};
  spi_bus bus = {&f, fram_transfer};
  uint8_t written[200], read[200];
  storage s = fram_open(&bus);
  CHECK_EQUAL(FRAM_BYTES, s.size);
  for (size_t i = 0; i < sizeof written; i++) written[i] = (uint8_t)(i * 7);
  CHECK(storage_write(&s, FRAM_BYTES - sizeof written, written, sizeof written));
  CHECK(storage_read(&s, FRAM_BYTES - sizeof written, read, sizeof read));
  CHECK(!memcmp(written, read, sizeof read));
  CHECK(!storage_write(&s, FRAM_BYTES - 1, written, 2));
  f.present = false;
  CHECK_EQUAL(0, fram_open(&bus).size);
}

void camera_tests(void) {
  test_kernels();
  test_presence();
  test_gate();
  test_queue();
  test_fixed_time();
  test_queue_power_loss();
  test_damaged_slot();
  test_queue_in_ram();
  test_mqtt_bytes();
  test_mqtt_reader();
  test_time();
  test_publisher();
  test_silence();
  test_keep_alive();
  test_payload();
  test_fram();
}
