/* Memory that keeps its content without power: an SPI FRAM here, anything byte-addressable in
 * general. A write may be torn by power loss between any two bytes. */
#ifndef STORAGE_H
#define STORAGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  void *context;
  uint32_t size; /* bytes, 0: absent */
  bool (*read)(void *context, uint32_t at, void *bytes, size_t count);
  bool (*write)(void *context, uint32_t at, const void *bytes, size_t count);
} storage;

static inline bool storage_read(const storage *s, uint32_t at, void *bytes, size_t count) {
  return s->read(s->context, at, bytes, count);
}

static inline bool storage_write(const storage *s, uint32_t at, const void *bytes, size_t count) {
  return s->write(s->context, at, bytes, count);
}

#endif
