#include "fram.h"

#include <string.h>

enum { WRITE = 0x02, READ = 0x03, WRITE_DISABLE = 0x04, READ_STATUS = 0x05, WRITE_ENABLE = 0x06 };
enum { STATUS_WRITE_ENABLED = 0x02 };

static bool command(spi_bus *bus, uint8_t code) { return spi_transfer(bus, &code, 1, NULL, 0); }

static bool read_chunk(spi_bus *bus, uint32_t at, uint8_t *bytes, size_t count) {
  const uint8_t out[3] = {READ, (uint8_t)(at >> 8), (uint8_t)at};
  return spi_transfer(bus, out, sizeof out, bytes, count);
}

static bool write_chunk(spi_bus *bus, uint32_t at, const uint8_t *bytes, size_t count) {
  uint8_t out[3 + FRAM_CHUNK] = {WRITE, (uint8_t)(at >> 8), (uint8_t)at};
  memcpy(out + 3, bytes, count);
  return command(bus, WRITE_ENABLE) && spi_transfer(bus, out, 3 + count, NULL, 0);
}

static size_t chunk_of(size_t count) { return count < FRAM_CHUNK ? count : FRAM_CHUNK; }

static bool in_range(uint32_t at, size_t count) {
  return at <= FRAM_BYTES && count <= FRAM_BYTES - at;
}

static bool fram_read(void *context, uint32_t at, void *bytes, size_t count) {
  uint8_t *to = bytes;
  if (!in_range(at, count)) return false;
  for (size_t done = 0; done < count; done += chunk_of(count - done)) {
    if (!read_chunk(context, at + done, to + done, chunk_of(count - done))) return false;
  }
  return true;
}

static bool fram_write(void *context, uint32_t at, const void *bytes, size_t count) {
  const uint8_t *from = bytes;
  if (!in_range(at, count)) return false;
  for (size_t done = 0; done < count; done += chunk_of(count - done)) {
    if (!write_chunk(context, at + done, from + done, chunk_of(count - done))) return false;
  }
  return true;
}

static bool is_there(spi_bus *bus) {
  const uint8_t ask = READ_STATUS;
  uint8_t on = 0, off = 0;
  bool answered = command(bus, WRITE_ENABLE) && spi_transfer(bus, &ask, 1, &on, 1) &&
                  command(bus, WRITE_DISABLE) && spi_transfer(bus, &ask, 1, &off, 1);
  return answered && (on & STATUS_WRITE_ENABLED) && !(off & STATUS_WRITE_ENABLED);
}

storage fram_open(spi_bus *bus) {
  return (storage){bus, is_there(bus) ? FRAM_BYTES : 0, fram_read, fram_write};
}
