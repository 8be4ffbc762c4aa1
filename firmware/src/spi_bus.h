/* One device on an SPI bus: selects it, writes out_count bytes, reads in_count bytes, deselects. */
#ifndef SPI_BUS_H
#define SPI_BUS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  void *context;
  bool (*transfer)(void *context, const uint8_t *out, size_t out_count, uint8_t *in,
                   size_t in_count);
} spi_bus;

static inline bool spi_transfer(const spi_bus *b, const uint8_t *out, size_t out_count, uint8_t *in,
                                size_t in_count) {
  return b->transfer(b->context, out, out_count, in, in_count);
}

#endif
