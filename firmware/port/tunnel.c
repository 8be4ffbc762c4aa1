#include "tunnel.h"

#include <string.h>

#include "board.h"

enum {
  END = 0xC0,
  ESCAPE = 0xDB,
  ESCAPED_END = 0xDC,
  ESCAPED_ESCAPE = 0xDD,
  END_OF_FRAME = 0x100,
  TUNNEL_HEAD = 4,
  TUNNEL_DATA = 256,
};

static byte_port port;
static uint8_t number;
static uint32_t waited_us;

void tunnel_start(uart *u) {
  port = uart_port(u);
}

uint32_t tunnel_waited_us(void) { return waited_us; }

static int wait_byte(void) {
  uint32_t start = board_now_us();
  int byte;
  while ((byte = port_read(&port)) < 0) {
    if (board_now_us() - start > TUNNEL_WAIT_MS * 1000u) break;
    wait_for_interrupt(); /* at the latest the next tick */
  }
  waited_us += board_now_us() - start;
  return byte;
}

static size_t put_escaped(uint8_t *out, const uint8_t *bytes, size_t count) {
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    bool special = bytes[i] == END || bytes[i] == ESCAPE;
    if (special) out[n++] = ESCAPE;
    out[n++] = bytes[i] == END ? ESCAPED_END : bytes[i] == ESCAPE ? ESCAPED_ESCAPE : bytes[i];
  }
  return n;
}

static bool send_request(const uint8_t *head, size_t head_count, const uint8_t *out, size_t count) {
  static uint8_t frame[2 * (TUNNEL_HEAD + TUNNEL_DATA) + 2];
  if (count > TUNNEL_DATA) return false;
  size_t n = 0;
  frame[n++] = END;
  n += put_escaped(frame + n, head, head_count);
  n += put_escaped(frame + n, out, count);
  frame[n++] = END;
  return port_write(&port, frame, n);
}

/* One unescaped byte, END at the end of a frame, -1 when the host is silent. */
static int wait_unescaped(void) {
  int byte = wait_byte();
  if (byte == END) return END_OF_FRAME;
  if (byte != ESCAPE) return byte;
  byte = wait_byte();
  return byte == ESCAPED_END ? END : byte == ESCAPED_ESCAPE ? ESCAPE : byte;
}

/* Bytes of the next frame that is not empty, -1 when none comes. */
static int wait_frame(uint8_t *frame, size_t size) {
  size_t n = 0;
  for (;;) {
    int byte = wait_unescaped();
    if (byte < 0) return -1;
    if (byte == END_OF_FRAME && n) return (int)n;
    if (byte != END_OF_FRAME && n < size) frame[n++] = (uint8_t)byte;
  }
}

/* The status of the present request, -1 without an answer; its bytes go to `in`. */
static int wait_answer(uint8_t *in, size_t in_count) {
  static uint8_t frame[2 + TUNNEL_DATA];
  int n;
  do n = wait_frame(frame, sizeof frame);
  while (n >= 0 && frame[0] != number);
  if (n < 2) return -1;
  if (frame[1] != 0) return frame[1];
  if ((size_t)n != 2 + in_count) return -1;
  if (in_count) memcpy(in, frame + 2, in_count);
  return 0;
}

static void begin_request(void) {
  while (port_read(&port) >= 0) continue;
  number++;
}

static i2c_status i2c_through(void *context, uint8_t address, const uint8_t *out, size_t out_count,
                              uint8_t *in, size_t in_count) {
  (void)context;
  begin_request();
  const uint8_t head[] = {number, 'I', address, (uint8_t)in_count};
  if (!send_request(head, sizeof head, out, out_count)) return I2C_TIMEOUT;
  int status = wait_answer(in, in_count);
  return status < 0 ? I2C_TIMEOUT : (i2c_status)-status;
}

static bool spi_through(void *context, const uint8_t *out, size_t out_count, uint8_t *in,
                        size_t in_count) {
  (void)context;
  begin_request();
  const uint8_t head[] = {number, 'S', (uint8_t)(in_count >> 8), (uint8_t)in_count};
  return send_request(head, sizeof head, out, out_count) && wait_answer(in, in_count) == 0;
}

i2c_bus tunnel_i2c(void) { return (i2c_bus){NULL, i2c_through}; }

spi_bus tunnel_spi(void) { return (spi_bus){NULL, spi_through}; }
