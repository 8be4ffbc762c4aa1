/* Both radio nodes, whole, on a simulated air: `radio_sim FIRST COUNT RESTARTS`.
 *
 * Time is simulated and jumps to the next thing that is due, so that thousands of bad hours pass in
 * a second. Every seed draws its own loss, corruption, delay and pace. The sensor numbers its
 * samples in what it measures, so that each line of node 2 can be told from all others. Checked for
 * each seed:
 *   - no sample leaves node 2 twice, and none that node 1 never took;
 *   - a sample that node 1 calls delivered has left node 2;
 *   - a sample that did not arrive was transmitted 1 + LINK_RETRIES times, and is counted as lost;
 *   - the counters of both ends agree with what the air knows.
 * With RESTARTS 1 nodes lose power in the middle; then only what can hold over a power loss is
 * checked. A failure prints its seed. */
#include "check.h"
#include "clock.h"
#include "fake_board.h"
#include "node1.h"
#include "node2.h"

enum { SAMPLES = 12, AIR_MAX = 64, AIR_MS = 12, TIME_LIMIT_MS = 3600000 };

unsigned checks_made;

typedef struct {
  uint32_t due_ms;
  bool used;
  uint8_t to;
  uint8_t from;
  bool corrupt;
  uint8_t payload[RYLR_PAYLOAD_MAX];
  uint8_t count;
} air_packet;

typedef struct {
  fake_line line;
  uint16_t address;
  bool asleep;
  uint32_t reply_ms; /* a reply is due then */
  bool replying;
} fake_modem;

typedef struct {
  uint32_t seed, random;
  uint32_t now;
  uint32_t loss, corruption, delay_ms; /* per cent, per cent, milliseconds */
  bool restarts;
  node1 n1;
  node2 n2;
  fake_modem m1, m2;
  fake_line host1, host2;
  fake_sht3x sensor, no_sensor;
  air_packet air[AIR_MAX];
  uint32_t measured;             /* samples taken */
  uint32_t seen[SAMPLES * 4];    /* lines of node 2 by sample */
  uint32_t sent[SAMPLES * 4];    /* transmissions by sample */
  uint32_t arrived_good, arrived_bad;
  uint32_t boots1, boots2;
  uint32_t delivered_before, lost_before; /* of node 1 before its power losses */
} world;

static world w;

static uint32_t draw(uint32_t limit) {
  w.random ^= w.random << 13;
  w.random ^= w.random >> 17;
  w.random ^= w.random << 5;
  return w.random % limit;
}

static void fail(const char *what) {
  fprintf(stderr, "seed %u at %u ms: %s (loss %u %% corruption %u %% delay %u ms)\n", w.seed, w.now,
          what, w.loss, w.corruption, w.delay_ms);
  exit(1);
}

/* ---- samples: number k reads as k x 0.01 % humidity ---- */

static void next_sample(void *owner) {
  (void)owner;
  w.measured++;
  w.sensor.humidity_x100 = (int32_t)w.measured;
}

static void start_node1(void) {
  fake_line_init(&w.m1.line);
  w.m1.asleep = w.m1.replying = false;
  node_ports ports = {fake_line_port(&w.m1.line), fake_line_port(&w.host1), fake_i2c(&w.sensor)};
  node1_init(&w.n1, ports, w.now);
  w.n1.link.random ^= w.seed * 2654435761u + w.boots1++;
}

static void start_node2(void) {
  fake_line_init(&w.m2.line);
  w.m2.asleep = w.m2.replying = false;
  node_ports ports = {fake_line_port(&w.m2.line), fake_line_port(&w.host2), fake_i2c(&w.no_sensor)};
  node2_init(&w.n2, ports, w.now);
  w.boots2++;
}

static void start_world(uint32_t seed, bool restarts) {
  memset(&w, 0, sizeof w);
  w.seed = seed;
  w.random = seed * 2654435761u + 88172645u;
  if (w.random == 0) w.random = 1;
  w.restarts = restarts;
  w.loss = draw(4) ? draw(60) : 0;
  w.corruption = draw(2) ? draw(30) : 0;
  w.now = draw(2) ? draw(100000) : 0xFFFFFFFFu - draw(20000); /* over the wrap of the clock */
  fake_line_init(&w.host1);
  fake_line_init(&w.host2);
  w.sensor = (fake_sht3x){.present = true, .temperature_x100 = 2000, .on_measure = next_sample};
  start_node1();
  start_node2();
  bool burst = draw(2);
  /* Late copies must fit the receiver's memory: eight packets, which follow each other fast in a
   * burst, and the 9 s of silence that tell a repeat from a reboot (3 x 2.3 s between the
   * tries). */
  w.delay_ms = draw(2) ? 0 : burst ? 100 : 1500;
  if (burst) w.n1.burst_left = SAMPLES - 1;
  if (burst) w.n1.interval_ms = 3600000;
}

/* ---- the air ---- */

static bool is_sensor_frame(size_t count) { return count > ACK_FRAME_MAX + 1; }

static uint32_t sample_in(const uint8_t *payload, size_t count) {
  sensor_packet p;
  if (sensor_frame_decode(payload, count, &p) != FRAME_OK) return 0;
  return p.humidity_x100;
}

static void flip_bits(air_packet *p) {
  uint32_t first = draw(p->count * 8u), second = draw(p->count * 8u), third = draw(p->count * 8u);
  p->payload[first / 8] ^= (uint8_t)(1u << first % 8);
  if (second != first) p->payload[second / 8] ^= (uint8_t)(1u << second % 8);
  if (third != first && third != second) p->payload[third / 8] ^= (uint8_t)(1u << third % 8);
}

static void transmit(uint8_t from, uint8_t to, const uint8_t *payload, size_t count) {
  uint32_t sample = from == LINK_SENSOR_ADDRESS ? sample_in(payload, count) : 0;
  if (sample) w.sent[sample]++;
  if (draw(100) < w.loss) return;
  bool spoil = draw(100) < w.corruption;
  /* An acknowledgement has no CRC of its own; the modem's keeps a spoilt one away. */
  if (spoil && !is_sensor_frame(count)) return;
  for (int i = 0; i < AIR_MAX; i++) {
    air_packet *p = &w.air[i];
    if (p->used) continue;
    *p = (air_packet){.used = true, .to = to, .from = from, .count = (uint8_t)count};
    memcpy(p->payload, payload, count);
    p->corrupt = spoil;
    if (spoil) flip_bits(p);
    p->due_ms = w.now + AIR_MS + (w.delay_ms ? draw(w.delay_ms + 1) : 0);
    return;
  }
  fail("too many packets in the air");
}

static void arrive(air_packet *p) {
  fake_modem *m = p->to == LINK_SENSOR_ADDRESS ? &w.m1 : &w.m2;
  char head[24], tail[24];
  p->used = false;
  if (m->asleep || m->address != p->to) return;
  if (p->to == LINK_RECEIVER_ADDRESS && p->corrupt) w.arrived_bad++;
  if (p->to == LINK_RECEIVER_ADDRESS && !p->corrupt) w.arrived_good++;
  snprintf(head, sizeof head, "+RCV=%u,%u,", p->from, p->count);
  snprintf(tail, sizeof tail, ",-%u,%u\r\n", draw(120), draw(12));
  fake_line_say(&m->line, head);
  fake_line_send(&m->line, p->payload, p->count);
  fake_line_say(&m->line, tail);
}

/* ---- modems ---- */

static size_t command_length(const fake_line *l) {
  unsigned to, count;
  int head = 0;
  char start[32] = {0};
  size_t from = 0;
  memcpy(start, l->from_node, l->from_node_count < 31 ? l->from_node_count : 31);
  if (sscanf(start, "AT+SEND=%u,%u,%n", &to, &count, &head) == 2 && head) {
    from = (size_t)head + count;
  }
  for (size_t i = from; i + 1 < l->from_node_count; i++) {
    if (l->from_node[i] == '\r' && l->from_node[i + 1] == '\n') return i + 2;
  }
  return 0;
}

static void run_command(fake_modem *m, uint8_t own, size_t length) {
  unsigned to, count;
  int head = 0;
  char start[64] = {0};
  memcpy(start, m->line.from_node, length < 63 ? length : 63);
  if (sscanf(start, "AT+SEND=%u,%u,%n", &to, &count, &head) == 2 && head) {
    transmit(own, (uint8_t)to, m->line.from_node + head, count);
  }
  sscanf(start, "AT+ADDRESS=%hu", &m->address);
  if (!strncmp(start, "AT+MODE=", 8)) m->asleep = start[8] == '1';
}

static void run_modem(fake_modem *m, uint8_t own) {
  if (m->replying && time_reached(w.now, m->reply_ms)) {
    m->replying = false;
    fake_line_say(&m->line, "+OK\r\n");
  }
  size_t length = m->replying ? 0 : command_length(&m->line);
  if (length == 0) return;
  run_command(m, own, length);
  m->line.from_node_count -= length;
  memmove(m->line.from_node, m->line.from_node + length, m->line.from_node_count);
  m->replying = true;
  m->reply_ms = w.now + 1 + draw(20);
}

/* ---- judging ---- */

static void read_lines(void) {
  fake_line *l = &w.host2;
  l->from_node[l->from_node_count] = 0;
  for (char *at = strtok((char *)l->from_node, "\n"); at; at = strtok(NULL, "\n")) {
    const char *h = strstr(at, "\"h\":");
    if (at[0] != '{' || !h) continue;
    uint32_t sample = (uint32_t)(strtod(h + 4, NULL) * 100 + 0.5);
    if (sample == 0 || sample > w.measured) fail("node 2 told a sample that was never taken");
    if (w.seen[sample]++ && w.boots2 == 1) fail("node 2 told a sample twice");
  }
  l->from_node_count = 0;
  w.host1.from_node_count = 0;
}

static void check_counts(void) {
  uint32_t told = 0, missing = 0;
  const link_counters *c1 = &w.n1.link.counters;
  const receiver_counters *c2 = &w.n2.link.counters;
  for (uint32_t k = 1; k <= w.measured; k++) {
    told += w.seen[k] != 0;
    missing += w.seen[k] == 0;
    if (!w.seen[k] && w.sent[k] != 1 + LINK_RETRIES) fail("a sample was given up too early");
    if (w.sent[k] > 1 + LINK_RETRIES) fail("a sample was sent too often");
  }
  if (c1->delivered + c1->lost != w.measured) fail("samples are missing in the sender's counts");
  if (told < c1->delivered) fail("an acknowledged sample was not told");
  if (c1->lost < missing) fail("a missing sample was not counted as lost");
  if (c2->received != told) fail("the receiver's count differs from its lines");
  if (c2->crc_errors != w.arrived_bad) fail("the receiver's CRC errors differ from the air");
  if (c2->received + c2->duplicates != w.arrived_good) fail("good frames are missing");
  if (c2->gaps > missing) fail("the receiver counts gaps that are none");
  if (c2->decode_errors || w.n2.modem.counters.framing_errors) fail("errors that nobody made");
}

/* With power losses: confirmed in the same life of both nodes means told. */
static void check_after_restarts(void) {
  uint32_t told = 0;
  for (uint32_t k = 1; k <= w.measured; k++) told += w.seen[k] != 0;
  if (told < w.delivered_before + w.n1.link.counters.delivered) {
    fail("an acknowledged sample was not told");
  }
}

/* ---- the run ---- */

static bool done(void) {
  const node1 *n = &w.n1;
  bool at_rest = n->queue_count == 0 && link_sender_free(&n->link) && n->climate_state == 0;
  if (w.measured < SAMPLES || !at_rest || n->modem.state == 0) return false;
  for (int i = 0; i < AIR_MAX; i++) {
    if (w.air[i].used) return false;
  }
  return !w.m2.replying && w.m2.line.from_node_count == 0 && w.n2.link.outbox_count == 0;
}

static void maybe_cut_power(void) {
  if (!w.restarts || w.measured >= SAMPLES || draw(200)) return;
  if (draw(2)) {
    start_node2();
    return;
  }
  w.delivered_before += w.n1.link.counters.delivered;
  uint32_t burst = w.n1.burst_left, interval = w.n1.interval_ms;
  start_node1();
  w.n1.burst_left = burst;
  w.n1.interval_ms = interval;
}

static uint32_t next_step(uint32_t wait) {
  for (int i = 0; i < AIR_MAX; i++) {
    if (w.air[i].used) wait = sooner(wait, time_until(w.now, w.air[i].due_ms));
  }
  if (w.m1.replying) wait = sooner(wait, time_until(w.now, w.m1.reply_ms));
  if (w.m2.replying) wait = sooner(wait, time_until(w.now, w.m2.reply_ms));
  return wait ? wait : 1;
}

static void stop_sampling(void) {
  if (w.measured < SAMPLES) return;
  w.n1.burst_left = 0;
  w.n1.next_sample_ms = w.now + 1000000; /* enough samples */
}

static void run_seed(uint32_t seed, bool restarts) {
  start_world(seed, restarts);
  uint32_t began = w.now;
  while (!done()) {
    if (w.now - began > TIME_LIMIT_MS) fail("does not come to an end");
    for (int i = 0; i < AIR_MAX; i++) {
      if (w.air[i].used && time_reached(w.now, w.air[i].due_ms)) arrive(&w.air[i]);
    }
    stop_sampling();
    uint32_t wait = sooner(node1_poll(&w.n1, w.now), node2_poll(&w.n2, w.now));
    run_modem(&w.m1, LINK_SENSOR_ADDRESS);
    run_modem(&w.m2, LINK_RECEIVER_ADDRESS);
    read_lines();
    maybe_cut_power();
    w.now += next_step(wait);
  }
  if (w.boots1 + w.boots2 == 2) {
    check_counts();
  } else {
    check_after_restarts();
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: radio_sim FIRST COUNT RESTARTS\n"), 2;
  uint32_t first = (uint32_t)strtoul(argv[1], NULL, 10);
  uint32_t count = (uint32_t)strtoul(argv[2], NULL, 10);
  uint64_t samples = 0, told = 0, transmissions = 0, reboots = 0;
  for (uint32_t seed = first; seed < first + count; seed++) {
    run_seed(seed, argv[3][0] == '1');
    samples += w.measured;
    reboots += w.boots1 + w.boots2 - 2;
    for (uint32_t k = 1; k <= w.measured; k++) told += w.seen[k] != 0, transmissions += w.sent[k];
  }
  printf("{\"seeds\":%u,\"samples\":%llu,\"told\":%llu,\"transmissions\":%llu,\"restarts\":%llu}\n",
         count, (unsigned long long)samples, (unsigned long long)told,
         (unsigned long long)transmissions, (unsigned long long)reboots);
  return 0;
}
