/* An I2C bus as the sensor drivers see it. A transfer is bounded in time and never retried here. */
#ifndef I2C_BUS_H
#define I2C_BUS_H
#include <stddef.h>
#include <stdint.h>

typedef enum {
  I2C_OK = 0,
  I2C_NO_DEVICE = -1, /* the address was not acknowledged */
  I2C_NACK = -2,      /* a data byte was not acknowledged */
  I2C_TIMEOUT = -3,   /* a bounded wait ran out; the bus was reset */
  I2C_LOST = -4,      /* arbitration lost or bus error */
} i2c_status;

typedef struct {
  void *context;
  /* Writes out_count bytes, then (repeated start) reads in_count bytes; either may be 0. */
  i2c_status (*transfer)(void *context, uint8_t address, const uint8_t *out, size_t out_count,
                         uint8_t *in, size_t in_count);
} i2c_bus;

static inline i2c_status i2c_write(const i2c_bus *b, uint8_t address, const uint8_t *out,
                                   size_t count) {
  return b->transfer(b->context, address, out, count, NULL, 0);
}

static inline i2c_status i2c_read(const i2c_bus *b, uint8_t address, uint8_t *in, size_t count) {
  return b->transfer(b->context, address, NULL, 0, in, count);
}

/* Reads registers from `first` on; the device increments the address itself. */
static inline i2c_status i2c_read_registers(const i2c_bus *b, uint8_t address, uint8_t first,
                                            uint8_t *in, size_t count) {
  return b->transfer(b->context, address, &first, 1, in, count);
}

static inline i2c_status i2c_write_register(const i2c_bus *b, uint8_t address, uint8_t reg,
                                            uint8_t value) {
  const uint8_t out[2] = {reg, value};
  return i2c_write(b, address, out, sizeof out);
}

#endif
