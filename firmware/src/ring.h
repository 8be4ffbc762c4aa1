/* Byte ring for one producer and one consumer (interrupt and main loop), no locks.
 * Size is a power of two; one slot stays empty. Each side writes only its own index. */
#ifndef RING_H
#define RING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *bytes;
  uint16_t size;
  volatile uint16_t head; /* written by the producer */
  volatile uint16_t tail; /* written by the consumer */
  volatile uint32_t dropped;
} ring;

static inline void ring_init(ring *r, uint8_t *bytes, uint16_t size) {
  *r = (ring){.bytes = bytes, .size = size};
}

static inline uint16_t ring_used(const ring *r) {
  return (uint16_t)(r->head - r->tail) & (uint16_t)(r->size - 1);
}

static inline uint16_t ring_room(const ring *r) { return (uint16_t)(r->size - 1 - ring_used(r)); }

/* False when full; the byte is then dropped and counted. */
static inline bool ring_put(ring *r, uint8_t byte) {
  uint16_t next = (uint16_t)(r->head + 1) & (uint16_t)(r->size - 1);
  if (next == r->tail) {
    r->dropped++;
    return false;
  }
  r->bytes[r->head] = byte;
  __atomic_signal_fence(__ATOMIC_SEQ_CST); /* the byte before the index that publishes it */
  r->head = next;
  return true;
}

/* -1 when empty. */
static inline int ring_get(ring *r) {
  if (r->tail == r->head) return -1;
  int byte = r->bytes[r->tail];
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  r->tail = (uint16_t)(r->tail + 1) & (uint16_t)(r->size - 1);
  return byte;
}

#endif
