/* A serial line as the portable code sees it: never blocks. */
#ifndef BYTE_PORT_H
#define BYTE_PORT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  void *context;
  int (*read)(void *context); /* next byte, -1 when there is none */
  /* Takes all of it or nothing: half a command or half a line is worse than none. */
  bool (*write)(void *context, const uint8_t *bytes, size_t count);
  size_t (*room)(void *context); /* bytes that a write would take now */
} byte_port;

static inline int port_read(const byte_port *p) { return p->read(p->context); }

static inline bool port_write(const byte_port *p, const void *bytes, size_t count) {
  return p->write(p->context, bytes, count);
}

static inline size_t port_room(const byte_port *p) { return p->room(p->context); }

#endif
