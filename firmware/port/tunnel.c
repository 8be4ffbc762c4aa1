#include "tunnel.h"

#include "board.h"

static uart *line;
static byte_port port;
static uint8_t number;
static uint32_t waited_us;

void tunnel_start(uart *u) {
  line = u;
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

static int wait_status(void) {
  int byte;
  do byte = wait_byte();
  while (byte >= 0 && byte != number);
  return byte < 0 ? -1 : wait_byte();
}

static bool take_answer(uint8_t *in, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int byte = wait_byte();
    if (byte < 0) return false;
    in[i] = (uint8_t)byte;
  }
  return true;
}

static i2c_status i2c_through(void *context, uint8_t address, const uint8_t *out, size_t out_count,
                              uint8_t *in, size_t in_count) {
  (void)context;
  while (port_read(&port) >= 0) continue;
  const uint8_t head[6] = {0xA5, ++number, 'I', address, (uint8_t)out_count, (uint8_t)in_count};
  if (!port_write(&port, head, sizeof head) || !port_write(&port, out, out_count)) {
    return I2C_TIMEOUT;
  }
  int status = wait_status();
  if (status < 0) return I2C_TIMEOUT;
  if (status > 0) return (i2c_status)-status;
  return take_answer(in, in_count) ? I2C_OK : I2C_TIMEOUT;
}

static bool spi_through(void *context, const uint8_t *out, size_t out_count, uint8_t *in,
                        size_t in_count) {
  (void)context;
  while (port_read(&port) >= 0) continue;
  const uint8_t head[7] = {0xA5,
                           ++number,
                           'S',
                           (uint8_t)(out_count >> 8),
                           (uint8_t)out_count,
                           (uint8_t)(in_count >> 8),
                           (uint8_t)in_count};
  if (!port_write(&port, head, sizeof head) || !port_write(&port, out, out_count)) return false;
  return wait_status() == 0 && take_answer(in, in_count);
}

i2c_bus tunnel_i2c(void) { return (i2c_bus){NULL, i2c_through}; }

spi_bus tunnel_spi(void) { return (spi_bus){NULL, spi_through}; }
