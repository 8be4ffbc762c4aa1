/* Modem driver and link layer against scripted replies. */
#include "board.h"
#include "check.h"
#include "clock.h"
#include "fake_board.h"
#include "link_receiver.h"
#include "link_sender.h"
#include "node2.h"

static fake_line line;
static rylr998 modem;

static void expect_command(const char *command) {
  char said[512] = {0};
  memcpy(said, line.from_node, line.from_node_count);
  line.from_node_count = 0;
  CHECK_TEXT(command, said);
}

static radio_event answer(const char *reply, uint32_t now) {
  fake_line_say(&line, reply);
  return rylr998_poll(&modem, now);
}

static void start_modem(uint32_t now) {
  static const char *const commands[] = {"AT\r\n",
                                         "AT+ADDRESS=2\r\n",
                                         "AT+NETWORKID=18\r\n",
                                         "AT+BAND=868300000\r\n",
                                         "AT+CRFOP=14\r\n",
                                         "AT+PARAMETER=7,9,1,7\r\n"};
  fake_line_init(&line);
  rylr998_init(&modem, fake_line_port(&line), 2, now);
  CHECK_EQUAL(RADIO_NOTHING, rylr998_poll(&modem, now));
  for (int i = 0; i < 6; i++) {
    expect_command(commands[i]);
    CHECK_EQUAL(i == 5 ? RADIO_STARTED : RADIO_NOTHING, answer("+OK\r\n", now));
  }
  CHECK(rylr998_idle(&modem));
}

static void test_start_up(void) {
  start_modem(0);
  /* A refused command is repeated, then everything begins anew after a pause. */
  fake_line_init(&line);
  rylr998_init(&modem, fake_line_port(&line), 1, 0);
  rylr998_poll(&modem, 0);
  for (int i = 0; i < 3; i++) {
    expect_command("AT\r\n");
    answer("+ERR=4\r\n", 10);
  }
  CHECK_EQUAL(1, modem.counters.restarts);
  CHECK_EQUAL(3, modem.counters.modem_errors);
  rylr998_poll(&modem, 10 + RYLR_RESTART_MS - 1);
  expect_command("");
  rylr998_poll(&modem, 10 + RYLR_RESTART_MS);
  expect_command("AT\r\n");
}

static void test_silent_modem(void) {
  fake_line_init(&line);
  rylr998_init(&modem, fake_line_port(&line), 1, 0);
  rylr998_poll(&modem, 0);
  for (uint32_t now = 0; now < 60000; now += 100) rylr998_poll(&modem, now);
  CHECK(modem.counters.timeouts > 10);
  CHECK(!rylr998_idle(&modem));
  line.from_node_count = 0;
  CHECK_EQUAL(RADIO_NOTHING, answer("+READY\r\n", 60000)); /* plugged in at last */
  expect_command("AT\r\n");
}

static void test_send(void) {
  start_modem(0);
  CHECK(rylr998_send(&modem, 1, (const uint8_t *)"\r\n,", 3, 0));
  expect_command("AT+SEND=1,3,\r\n,\r\n");
  CHECK(!rylr998_idle(&modem));
  CHECK_EQUAL(RADIO_RECEIVED, answer("+RCV=1,2,hi,-9,1\r\n", 1)); /* crosses the reply */
  CHECK_EQUAL(RADIO_SENT, answer("+OK\r\n", 2));
  rylr998_send(&modem, 1, (const uint8_t *)"a", 1, 3);
  CHECK_EQUAL(RADIO_NOTHING, answer("+ERR=12\r\n", 4)); /* a failed reception is no reply */
  CHECK_EQUAL(RADIO_SEND_FAILED, answer("+ERR=17\r\n", 5));
  CHECK_EQUAL(17, modem.last_error);
  rylr998_send(&modem, 1, (const uint8_t *)"a", 1, 10);
  CHECK_EQUAL(RADIO_NOTHING, rylr998_poll(&modem, 10 + RYLR_REPLY_MS - 1));
  CHECK_EQUAL(RADIO_SEND_FAILED, rylr998_poll(&modem, 10 + RYLR_REPLY_MS));
  CHECK_EQUAL(0, modem.last_error);
  CHECK(!rylr998_send(&modem, 1, (const uint8_t *)"", 0, 0));
}

static void test_modem_restart(void) {
  start_modem(0);
  rylr998_send(&modem, 1, (const uint8_t *)"a", 1, 0);
  line.from_node_count = 0;
  CHECK_EQUAL(RADIO_SEND_FAILED, answer("+READY\r\n", 1));
  rylr998_poll(&modem, 1);
  expect_command("AT\r\n");
  CHECK_EQUAL(1, modem.counters.restarts);
}

static void test_sleep(void) {
  start_modem(0);
  rylr998_sleep(&modem, 0);
  expect_command("AT+MODE=1\r\n");
  answer("+OK\r\n", 1);
  CHECK(modem.asleep);
  rylr998_send(&modem, 2, (const uint8_t *)"z", 1, 2);
  expect_command("AT+MODE=0\r\n");
  answer("+OK\r\n", 3);
  expect_command("AT+SEND=2,1,z\r\n");
}

/* ---- sender ---- */

static link_sender sender;
static const uint8_t packet_bytes[4] = {5, 1, 2, 3};

static link_outcome step(radio_event event, uint32_t now) {
  return link_sender_poll(&sender, &modem, event, now);
}

static link_outcome deliver_ack(ack_kind kind, uint16_t seq, uint32_t now) {
  modem.parser.payload_length = (uint8_t)ack_encode((ack_frame){kind, seq}, modem.parser.payload);
  modem.parser.address = LINK_RECEIVER_ADDRESS;
  return step(RADIO_RECEIVED, now);
}

static void begin_packet(void) {
  start_modem(0);
  link_sender_init(&sender, LINK_RECEIVER_ADDRESS, 7, 0u - LINK_ACK_MS);
  link_sender_offer(&sender, packet_bytes, sizeof packet_bytes, 5, 0);
  CHECK_EQUAL(LINK_PENDING, step(RADIO_NOTHING, 0));
  expect_command("AT+SEND=2,4,\5\1\2\3\r\n");
}

static radio_event modem_takes(uint32_t now) { return answer("+OK\r\n", now); }

static void test_ack(void) {
  begin_packet();
  step(modem_takes(1), 1);
  CHECK_EQUAL(LINK_PENDING, deliver_ack(ACK_ACCEPTED, 4, 2)); /* of another packet */
  CHECK_EQUAL(LINK_DELIVERED, deliver_ack(ACK_ACCEPTED, 5, 3));
  CHECK_EQUAL(1, sender.counters.stray_acks);
  CHECK_EQUAL(LINK_PENDING, deliver_ack(ACK_ACCEPTED, 5, 4)); /* again: nothing to settle */
  CHECK_EQUAL(1, sender.counters.delivered);
}

/* First attempt and three retries of the same bytes, each after 2 s and a pause; then given up. */
static void test_no_ack(void) {
  begin_packet();
  uint32_t now = 1;
  for (int attempt = 1; attempt <= 1 + LINK_RETRIES; attempt++) {
    step(modem_takes(now), now);
    CHECK_EQUAL(LINK_PENDING, step(RADIO_NOTHING, now + LINK_ACK_MS - 1));
    now += LINK_ACK_MS;
    link_outcome outcome = step(RADIO_NOTHING, now);
    CHECK_EQUAL(attempt <= LINK_RETRIES ? LINK_PENDING : LINK_LOST, outcome);
    if (outcome == LINK_LOST) break;
    uint32_t pause = link_sender_wait(&sender, now);
    CHECK(pause >= LINK_PAUSE_MIN_MS && pause < LINK_PAUSE_MIN_MS + LINK_PAUSE_SPAN_MS);
    now += pause;
    step(RADIO_NOTHING, now);
    expect_command("AT+SEND=2,4,\5\1\2\3\r\n");
  }
  CHECK_EQUAL(1 + LINK_RETRIES, sender.counters.transmissions);
  CHECK_EQUAL(LINK_RETRIES, sender.counters.retries);
  CHECK_EQUAL(1, sender.counters.lost);
  CHECK(link_sender_free(&sender));
}

static void test_quiet_after_boot(void) {
  start_modem(0);
  link_sender_init(&sender, LINK_RECEIVER_ADDRESS, 7, 0);
  link_sender_offer(&sender, packet_bytes, sizeof packet_bytes, 1, 100);
  step(RADIO_NOTHING, LINK_ACK_MS - 1);
  expect_command("");
  CHECK_EQUAL(LINK_PENDING, deliver_ack(ACK_ACCEPTED, 1, LINK_ACK_MS - 1)); /* of the life before */
  step(RADIO_NOTHING, LINK_ACK_MS);
  expect_command("AT+SEND=2,4,\5\1\2\3\r\n");
}

static void test_nack(void) {
  begin_packet();
  step(modem_takes(1), 1);
  CHECK_EQUAL(LINK_PENDING, deliver_ack(ACK_REFUSED, 999, 2));
  CHECK_EQUAL(1, sender.counters.nacks);
  CHECK(link_sender_wait(&sender, 2) < LINK_ACK_MS); /* no need to wait for the time-out */
  CHECK_EQUAL(LINK_DELIVERED, deliver_ack(ACK_ACCEPTED, 5, 3)); /* late, but it was received */
}

static void test_refused_send(void) {
  begin_packet();
  step(answer("+ERR=10\r\n", 1), 1);
  CHECK_EQUAL(1, sender.counters.refused);
  uint32_t later = 1 + link_sender_wait(&sender, 1);
  step(RADIO_NOTHING, later);
  expect_command("AT+SEND=2,4,\5\1\2\3\r\n");
}

static void test_duty_cycle(void) {
  airtime_budget b;
  airtime_budget_init(&b, 0);
  uint32_t sent = 0;
  while (airtime_take(&b, airtime_us(16), 0)) sent++;
  CHECK(sent * airtime_us(16) <= 36000000 && (sent + 1) * airtime_us(16) > 36000000);
  uint32_t wait = airtime_wait(&b, airtime_us(16), 0);
  CHECK(wait > 0);
  CHECK(!airtime_take(&b, airtime_us(16), wait - 1));
  CHECK(airtime_take(&b, airtime_us(16), wait));
  CHECK(airtime_us(16) > 10000 && airtime_us(16) < 20000);
}

/* ---- receiver ---- */

static link_receiver receiver;

static frame_verdict hear(const sensor_packet *p, bool room, uint32_t now) {
  rylr_parser f = {.address = LINK_SENSOR_ADDRESS};
  sensor_packet decoded;
  f.payload_length = (uint8_t)sensor_frame_encode(p, f.payload);
  receiver.outbox_count = 0;
  return link_receiver_take(&receiver, &f, room, &decoded, now);
}

static void test_receiver(void) {
  const sensor_packet one = {1, 200, 5000, 7}, two = {2, 201, 5001, 8}, other_one = {1, 1, 1, 1};
  link_receiver_init(&receiver);
  CHECK_EQUAL(FRAME_ACCEPTED, hear(&one, true, 0));
  CHECK_EQUAL(ACK_ACCEPTED, receiver.outbox[0].kind);
  CHECK_EQUAL(FRAME_REPEATED, hear(&one, true, 2000));
  CHECK_EQUAL(1, receiver.outbox_count); /* a duplicate is acknowledged again */
  CHECK_EQUAL(FRAME_REPEATED, hear(&one, true, 2000 + LINK_SILENCE_MS - 1));
  CHECK_EQUAL(FRAME_ACCEPTED, hear(&one, true, 2000 + 2 * LINK_SILENCE_MS - 1)); /* a reboot */
  CHECK_EQUAL(FRAME_ACCEPTED, hear(&two, true, 30000));
  CHECK_EQUAL(FRAME_REPEATED, hear(&two, true, 300000)); /* only seq 1 can be a reboot */
  CHECK_EQUAL(FRAME_ACCEPTED, hear(&other_one, true, 300001));
  CHECK_EQUAL(FRAME_IGNORED, hear(&two, false, 400000));
  CHECK_EQUAL(0, receiver.outbox_count); /* no room at the host: no acknowledgement */
  CHECK_EQUAL(1, receiver.counters.host_full);
  CHECK_EQUAL(3, receiver.counters.duplicates);
}

static void test_delayed_copy(void) {
  link_receiver_init(&receiver);
  const sensor_packet first = {10, 0, 0, 1}, second = {11, 0, 0, 2}, fifth = {14, 0, 0, 3};
  CHECK_EQUAL(FRAME_ACCEPTED, hear(&first, true, 0));
  CHECK_EQUAL(FRAME_ACCEPTED, hear(&second, true, 100));
  CHECK_EQUAL(FRAME_REPEATED, hear(&first, true, 3000)); /* the radio held it back */
  CHECK_EQUAL(FRAME_ACCEPTED, hear(&fifth, true, 4000));
  CHECK_EQUAL(2, receiver.counters.gaps);
}

static void test_refusals(void) {
  rylr_parser f = {.address = LINK_SENSOR_ADDRESS, .payload_length = 8};
  sensor_packet p;
  uint8_t frame[SENSOR_FRAME_MAX];
  size_t count = sensor_frame_encode(&(sensor_packet){300, 1, 2, 3}, frame);
  link_receiver_init(&receiver);
  memcpy(f.payload, frame, count);
  f.payload_length = (uint8_t)count;
  f.payload[count - 1] ^= 0x10;
  CHECK_EQUAL(FRAME_REFUSED, link_receiver_take(&receiver, &f, true, &p, 0));
  CHECK_EQUAL(ACK_REFUSED, receiver.outbox[0].kind);
  CHECK_EQUAL(300, receiver.outbox[0].seq);
  CHECK_EQUAL(1, receiver.counters.crc_errors);
  f.address = 77;
  CHECK_EQUAL(FRAME_IGNORED, link_receiver_take(&receiver, &f, true, &p, 0));
  CHECK_EQUAL(1, receiver.counters.foreign);
}

/* Acknowledgements survive a modem that refuses one, and never pile up. */
static void test_outbox(void) {
  start_modem(0);
  link_receiver_init(&receiver);
  hear(&(sensor_packet){1, 0, 0, 0}, true, 0);
  link_receiver_poll(&receiver, &modem, RADIO_NOTHING, 0);
  expect_command("AT+SEND=1,2,\1\1\r\n");
  link_receiver_poll(&receiver, &modem, answer("+ERR=17\r\n", 1), 1);
  expect_command("AT+SEND=1,2,\1\1\r\n");
  link_receiver_poll(&receiver, &modem, answer("+ERR=17\r\n", 2), 2);
  expect_command("");
  CHECK_EQUAL(1, receiver.counters.acks_failed);
  CHECK_EQUAL(0, receiver.outbox_count);
}

/* ---- node 2 and a host that does not read ---- */

static void test_slow_host(void) {
  static node2 n;
  static fake_line radio, host;
  fake_sht3x sensor = {.present = false};
  fake_line_init(&radio);
  fake_line_init(&host);
  node_ports ports = {fake_line_port(&radio), fake_line_port(&host), fake_i2c(&sensor)};
  node2_init(&n, ports, 0);
  node2_poll(&n, 0);
  for (int i = 0; i < 6; i++) {
    fake_line_say(&radio, "+OK\r\n");
    node2_poll(&n, 0);
  }
  uint8_t frame[SENSOR_FRAME_MAX];
  size_t count = sensor_frame_encode(&(sensor_packet){9, 273, 5887, 0}, frame);
  radio.from_node_count = 0;
  host.room = GATEWAY_LINE_MAX - 1;
  char head[16];
  snprintf(head, sizeof head, "+RCV=1,%zu,", count);
  for (int attempt = 0; attempt < 2; attempt++) {
    fake_line_say(&radio, head);
    fake_line_send(&radio, frame, count);
    fake_line_say(&radio, ",-40,9\r\n");
    node2_poll(&n, 5000);
    CHECK_EQUAL(attempt == 0 ? 0 : 16, radio.from_node_count); /* AT+SEND=1,2,.. CR LF */
    host.room = 4096;
  }
  host.from_node[host.from_node_count] = 0;
  CHECK_TEXT(
      "{\"ts\":5000,\"id\":\"N2\",\"n1\":{\"t\":27.3,\"h\":58.87},\"n2\":{},"
      "\"sig\":{\"rssi\":-40,\"snr\":9},\"sts\":{\"rx\":1,\"err\":0,\"frm\":0,\"dec\":0,\"mod\":0,"
      "\"dup\":0,\"gap\":0}}\n",
      (char *)host.from_node);
}

void radio_tests(void) {
  test_start_up();
  test_silent_modem();
  test_send();
  test_modem_restart();
  test_sleep();
  test_ack();
  test_no_ack();
  test_quiet_after_boot();
  test_nack();
  test_refused_send();
  test_duty_cycle();
  test_receiver();
  test_delayed_copy();
  test_refusals();
  test_outbox();
  test_slow_host();
}
