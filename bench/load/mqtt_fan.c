/*
 * Many connections to one MQTT 3.1.1 broker, one thread, epoll.
 *
 *   mqtt_fan out HOST PORT SUBSCRIBERS WINDOW MESSAGES QOS
 *     One publisher, SUBSCRIBERS that all get everything. The publisher is at most WINDOW messages
 *     ahead of the slowest subscriber, so that nothing needs to be dropped. Prints one JSON object:
 *     deliveries, seconds, rate (deliveries per second), latency in ms from publish to delivery.
 *
 *   mqtt_fan idle HOST PORT CONNECTIONS
 *     Opens the connections, prints {"connections":N} and holds them until its input ends.
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

enum { IN_BYTES = 32 * 1024, OUT_BYTES = 4096, PAYLOAD_BYTES = 64, WINDOW_MAX = 1024 };

struct connection {
  int fd;
  long received;
  size_t in_length, out_length, out_sent;
  uint8_t in[IN_BYTES], out[OUT_BYTES];
};

static int qos;
static long messages, published, latency_count, latency_max;
static double sent_at[WINDOW_MAX];
static float *latencies;

static void fail(const char *what) {
  fprintf(stderr, "mqtt_fan: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_all(int fd, const uint8_t *bytes, size_t length) {
  for (size_t at = 0; at < length;) {
    ssize_t n = write(fd, bytes + at, length - at);
    if (n <= 0) fail("write");
    at += (size_t)n;
  }
}

static void read_exactly(int fd, uint8_t *bytes, size_t length) {
  for (size_t at = 0; at < length;) {
    ssize_t n = read(fd, bytes + at, length - at);
    if (n == 0) errno = ECONNRESET;
    if (n <= 0) fail("read");
    at += (size_t)n;
  }
}

static int open_connection(const char *host, int port, int number) {
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  uint8_t packet[64] = { 0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 0 }, connack[4];
  inet_pton(AF_INET, host, &address.sin_addr);
  if (fd < 0) fail("socket");
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  int id = snprintf((char *)packet + 14, sizeof packet - 14, "fan-%d-%d", (int)getpid(), number);
  packet[1] = (uint8_t)(12 + id);
  packet[13] = (uint8_t)id;
  write_all(fd, packet, 14 + (size_t)id);
  read_exactly(fd, connack, sizeof connack);
  if (connack[3] != 0) { errno = EACCES; fail("CONNECT was refused"); }
  return fd;
}

static void subscribe(int fd) {
  uint8_t packet[] = { 0x82, 12, 0, 1, 0, 7, 'f', 'a', 'n', '/', 'o', 'u', 't', (uint8_t)qos };
  uint8_t suback[5];
  write_all(fd, packet, sizeof packet);
  read_exactly(fd, suback, sizeof suback);
  if (suback[4] > 2) { errno = EACCES; fail("SUBSCRIBE was refused"); }
}

static void flush(struct connection *c) {
  while (c->out_sent < c->out_length) {
    ssize_t n = write(c->fd, c->out + c->out_sent, c->out_length - c->out_sent);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) fail("write");
    c->out_sent += (size_t)n;
  }
  c->out_sent = c->out_length = 0;
}

static void delivered(struct connection *c, const uint8_t *packet) {
  if (latency_count < latency_max) {
    double sent = sent_at[c->received % WINDOW_MAX];
    latencies[latency_count++] = (float)((now_seconds() - sent) * 1e3);
  }
  c->received++;
  if ((packet[0] >> 1 & 3) == 0) return;
  if (c->out_length + 4 > OUT_BYTES) flush(c);
  if (c->out_length + 4 > OUT_BYTES) { errno = ENOBUFS; fail("PUBACK"); }
  uint8_t puback[] = { 0x40, 2, packet[11], packet[12] };
  memcpy(c->out + c->out_length, puback, sizeof puback);
  c->out_length += sizeof puback;
}

/* Every packet here is shorter than 128 bytes. */
static void receive(struct connection *c) {
  for (;;) {
    ssize_t n = read(c->fd, c->in + c->in_length, IN_BYTES - c->in_length);
    if (n == 0) { errno = ECONNRESET; fail("the broker closed a connection"); }
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) fail("read");
    c->in_length += (size_t)n;
    size_t at = 0;
    while (c->in_length - at >= 2 && c->in_length - at >= 2u + c->in[at + 1]) {
      if (c->in[at] >> 4 == 3) delivered(c, c->in + at);
      at += 2u + c->in[at + 1];
    }
    memmove(c->in, c->in + at, c->in_length - at);
    c->in_length -= at;
  }
  flush(c);
}

static void publish(struct connection *c) {
  uint8_t packet[2 + 9 + 2 + PAYLOAD_BYTES] = { 0 }, *at = packet;
  *at++ = (uint8_t)(0x30 | qos << 1);
  *at++ = (uint8_t)(9 + (qos ? 2 : 0) + PAYLOAD_BYTES);
  memcpy(at, "\0\7fan/out", 9);
  at += 9;
  if (qos) {
    uint16_t id = (uint16_t)(published % 65535 + 1);
    *at++ = (uint8_t)(id >> 8);
    *at++ = (uint8_t)id;
  }
  size_t length = (size_t)(at - packet) + PAYLOAD_BYTES;
  sent_at[published++ % WINDOW_MAX] = now_seconds();
  memcpy(c->out + c->out_length, packet, length);
  c->out_length += length;
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

static long slowest(const struct connection *list, int count) {
  long least = list[0].received;
  for (int i = 1; i < count; i++) if (list[i].received < least) least = list[i].received;
  return least;
}

static void run_out(char **argv) {
  int count = atoi(argv[4]), window = atoi(argv[5]);
  messages = atol(argv[6]);
  qos = atoi(argv[7]);
  if (window > WINDOW_MAX) window = WINDOW_MAX;
  latency_max = messages * count;
  latencies = malloc((size_t)latency_max * sizeof *latencies);
  struct connection *list = calloc((size_t)count + 1, sizeof *list), *publisher = &list[count];
  if (latencies == NULL || list == NULL) fail("memory");
  int poll = epoll_create1(0);
  for (int i = 0; i <= count; i++) {
    list[i].fd = open_connection(argv[2], atoi(argv[3]), i);
    if (i < count) subscribe(list[i].fd);
    fcntl(list[i].fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &list[i] };
    epoll_ctl(poll, EPOLL_CTL_ADD, list[i].fd, &event);
  }
  double started_at = now_seconds();
  for (long done = 0; done < messages; done = slowest(list, count)) {
    while (published < messages && published < done + window &&
           publisher->out_length + PAYLOAD_BYTES + 16 < OUT_BYTES) publish(publisher);
    flush(publisher);
    struct epoll_event events[512];
    int n = epoll_wait(poll, events, 512, 10);
    for (int i = 0; i < n; i++) receive(events[i].data.ptr);
    if (now_seconds() - started_at > 120) { errno = ETIMEDOUT; fail("120 s are over"); }
  }
  double seconds = now_seconds() - started_at;
  qsort(latencies, (size_t)latency_count, sizeof *latencies, by_value);
  printf("{\"deliveries\":%ld,\"seconds\":%.3f,\"rate\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f}\n",
         messages * count, seconds, (double)(messages * count) / seconds,
         (double)latencies[latency_count / 2], (double)latencies[latency_count * 99 / 100]);
}

static void run_idle(char **argv) {
  int count = atoi(argv[4]);
  for (int i = 0; i < count; i++) open_connection(argv[2], atoi(argv[3]), i);
  printf("{\"connections\":%d}\n", count);
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) { }
}

int main(int argc, char **argv) {
  if (argc == 8 && strcmp(argv[1], "out") == 0) run_out(argv);
  else if (argc == 5 && strcmp(argv[1], "idle") == 0) run_idle(argv);
  else {
    fprintf(stderr, "usage: mqtt_fan out HOST PORT SUBSCRIBERS WINDOW MESSAGES QOS\n"
                    "       mqtt_fan idle HOST PORT CONNECTIONS\n");
    return 2;
  }
  return 0;
}
