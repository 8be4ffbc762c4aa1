/*
 * A load generator that is not the bottleneck: N MQTT 3.1.1 connections publish JSON telemetry with a
 * window of unacknowledged messages each, one thread, epoll.
 *
 *   mqtt_load HOST PORT CONNECTIONS WINDOW TOTAL QOS RATE [TOPIC]
 *
 * With TOPIC the messages are not telemetry but go to TOPIC/0, TOPIC/1, ….
 * RATE is messages per second over all connections, 0 for as fast as the window allows. QoS 0 ends
 * with a PINGREQ per connection, so that the time includes the broker reading everything.
 * Prints one JSON object: messages, seconds, rate, latency in ms (QoS 1 only).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { OUT_BYTES = 64 * 1024, IN_BYTES = 64 * 1024, PACKET_MAX = 512, IDS = 65536, WINDOW_MAX = 1024 };

struct connection {
  int fd, device, in_flight, pinged, ponged;
  uint16_t next_id;
  uint64_t seq;
  size_t out_length, out_sent, in_length;
  double sent_at[WINDOW_MAX];
  uint8_t out[OUT_BYTES], in[IN_BYTES];
};

static struct connection *connections;
static int connection_count, window_max, qos;
static long total, produced, finished, latency_count;
static float *latencies;
static double rate, started_at;
static const char *plain_topic;

static void fail(const char *what) {
  fprintf(stderr, "mqtt_load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t put_string(uint8_t *at, const char *text) {
  size_t length = strlen(text);
  at[0] = (uint8_t)(length >> 8);
  at[1] = (uint8_t)length;
  memcpy(at + 2, text, length);
  return length + 2;
}

static void send_connect(struct connection *c) {
  char id[32];
  uint8_t body[128];
  size_t n = put_string(body, "MQTT");
  snprintf(id, sizeof id, "load-%d-%d", (int)getpid(), c->device);
  body[n++] = 4;
  body[n++] = 2;
  body[n++] = 0;
  body[n++] = 0;
  n += put_string(body + n, id);
  c->out[0] = 0x10;
  c->out[1] = (uint8_t)n;
  memcpy(c->out + 2, body, n);
  c->out_length = n + 2;
}

/* One message of about 163 bytes payload, as a small sensor sends it. */
static void put_publish(struct connection *c) {
  char topic[64], payload[256];
  uint64_t i = ++c->seq;
  if (plain_topic == NULL) snprintf(topic, sizeof topic, "devices/load-%d/telemetry", c->device);
  else snprintf(topic, sizeof topic, "%.40s/%d", plain_topic, c->device);
  int length = snprintf(payload, sizeof payload,
    "{\"seq\":%llu,\"values\":{\"temperature\":%.1f,\"humidity\":%d,\"pressure\":%.2f,"
    "\"voltage\":3.31,\"battery\":%d,\"rssi\":-%d,\"uptime_s\":%llu,\"state\":\"ok\"}}",
    (unsigned long long)i, 20.0 + (double)(i % 100) / 10, (int)(40 + i % 50),
    1000.0 + (double)(i % 1000) / 100, (int)(i % 101), (int)(40 + i % 50),
    (unsigned long long)(i * 10));
  uint8_t body[PACKET_MAX];
  size_t n = put_string(body, topic);
  if (qos > 0) {
    uint16_t id = c->next_id = (uint16_t)(c->next_id % 65535 + 1);
    body[n++] = (uint8_t)(id >> 8);
    body[n++] = (uint8_t)id;
    c->sent_at[id % WINDOW_MAX] = now_seconds();
  }
  memcpy(body + n, payload, (size_t)length);
  n += (size_t)length;
  uint8_t *at = c->out + c->out_length;
  size_t header = 0;
  at[header++] = (uint8_t)(0x30 | qos << 1);
  if (n > 127) {
    at[header++] = (uint8_t)(n % 128 | 128);
    at[header++] = (uint8_t)(n / 128);
  } else {
    at[header++] = (uint8_t)n;
  }
  memcpy(at + header, body, n);
  c->out_length += header + n;
}

static long allowed_now(void) {
  if (rate <= 0) return total;
  double due = (now_seconds() - started_at) * rate;
  return due > (double)total ? total : (long)due;
}

static void produce(struct connection *c, long allowed) {
  if (c->out_sent == c->out_length) c->out_sent = c->out_length = 0;
  while (produced < allowed && c->out_length + PACKET_MAX < OUT_BYTES &&
         (qos == 0 || c->in_flight < window_max)) {
    put_publish(c);
    produced++;
    if (qos == 0) finished++;
    else c->in_flight++;
  }
  if (qos == 0 && produced >= total && !c->pinged && c->out_length + 2 < OUT_BYTES) {
    c->out[c->out_length++] = 0xC0;
    c->out[c->out_length++] = 0;
    c->pinged = 1;
  }
}

static void flush(struct connection *c) {
  while (c->out_sent < c->out_length) {
    ssize_t n = write(c->fd, c->out + c->out_sent, c->out_length - c->out_sent);
    if (n < 0) {
      if (errno == EAGAIN) return;
      fail("write");
    }
    c->out_sent += (size_t)n;
  }
}

static void acknowledged(struct connection *c, uint16_t id) {
  float ms = (float)((now_seconds() - c->sent_at[id % WINDOW_MAX]) * 1e3);
  if (latency_count < total) latencies[latency_count++] = ms;
  c->in_flight--;
  finished++;
}

static void receive(struct connection *c) {
  for (;;) {
    ssize_t n = read(c->fd, c->in + c->in_length, IN_BYTES - c->in_length);
    if (n == 0) { errno = ECONNRESET; fail("the broker closed a connection"); }
    if (n < 0) { if (errno == EAGAIN) return; fail("read"); }
    c->in_length += (size_t)n;
    size_t at = 0;
    while (c->in_length - at >= 2 && c->in_length - at >= 2u + c->in[at + 1]) {
      uint8_t type = c->in[at] >> 4;
      if (type == 4) acknowledged(c, (uint16_t)(c->in[at + 2] << 8 | c->in[at + 3]));
      if (type == 13) c->ponged = 1;
      at += 2u + c->in[at + 1];
    }
    memmove(c->in, c->in + at, c->in_length - at);
    c->in_length -= at;
  }
}

static void open_connection(struct connection *c, const char *host, int port) {
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
  int one = 1;
  inet_pton(AF_INET, host, &address.sin_addr);
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  send_connect(c);
  if (write(c->fd, c->out, c->out_length) < 0) fail("CONNECT");
  uint8_t connack[4];
  for (size_t got = 0; got < sizeof connack;) {
    ssize_t n = read(c->fd, connack + got, sizeof connack - got);
    if (n <= 0) fail("CONNACK");
    got += (size_t)n;
  }
  if (connack[3] != 0) { errno = EACCES; fail("CONNECT was refused"); }
  c->out_length = c->out_sent = 0;
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

static int all_ponged(void) {
  if (qos > 0) return 1;
  for (int i = 0; i < connection_count; i++) if (!connections[i].ponged) return 0;
  return 1;
}

static void report(double seconds) {
  qsort(latencies, (size_t)latency_count, sizeof *latencies, by_value);
  float p50 = latency_count ? latencies[latency_count / 2] : 0;
  float p99 = latency_count ? latencies[latency_count * 99 / 100] : 0;
  float last = latency_count ? latencies[latency_count - 1] : 0;
  printf("{\"messages\":%ld,\"seconds\":%.3f,\"rate\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,"
         "\"max_ms\":%.2f}\n", finished, seconds, (double)finished / seconds, (double)p50,
         (double)p99, (double)last);
}

int main(int argc, char **argv) {
  if (argc != 8 && argc != 9) {
    fprintf(stderr, "usage: mqtt_load HOST PORT CONNECTIONS WINDOW TOTAL QOS RATE [TOPIC]\n");
    return 2;
  }
  connection_count = atoi(argv[3]);
  window_max = atoi(argv[4]);
  total = atol(argv[5]);
  qos = atoi(argv[6]);
  rate = atof(argv[7]);
  if (argc == 9) plain_topic = argv[8];
  if (window_max > WINDOW_MAX) window_max = WINDOW_MAX;
  connections = calloc((size_t)connection_count, sizeof *connections);
  latencies = malloc((size_t)total * sizeof *latencies);
  if (connections == NULL || latencies == NULL) fail("memory");
  int poll = epoll_create1(0);
  for (int i = 0; i < connection_count; i++) {
    struct connection *c = &connections[i];
    c->device = i;
    c->seq = (uint64_t)time(NULL) * 1000000; /* a new run sends new messages, not repeats */
    open_connection(c, argv[1], atoi(argv[2]));
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
    epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &event);
  }
  started_at = now_seconds();
  while (finished < total || !all_ponged()) {
    struct epoll_event events[256];
    int n = epoll_wait(poll, events, 256, 1);
    for (int i = 0; i < n; i++) receive(events[i].data.ptr);
    long allowed = allowed_now();
    for (int i = 0; i < connection_count; i++) {
      produce(&connections[i], allowed);
      flush(&connections[i]);
    }
    if (now_seconds() - started_at > 300) { errno = ETIMEDOUT; fail("300 s are over"); }
  }
  report(now_seconds() - started_at);
  return 0;
}
