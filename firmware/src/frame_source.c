#include "frame_source.h"

#include <string.h>

#include "crc.h"

enum { MARK_1 = 0xC5, MARK_2 = 0x5C };
enum { HEAD = 2, BODY_END = HEAD + NN_PIXELS, FRAME_END = BODY_END + 2 };

void frame_link_init(frame_link *l, byte_port port) {
  memset(l, 0, sizeof *l);
  l->port = port;
}

static uint16_t look_for_marks(const frame_link *l, uint8_t byte) {
  if (l->state == 1 && byte == MARK_2) return 2;
  return byte == MARK_1 ? 1 : 0;
}

static bool finish_frame(frame_link *l) {
  uint16_t sent = (uint16_t)(l->crc[0] << 8 | l->crc[1]);
  bool good = crc16_ibm3740((const uint8_t *)l->pixels, NN_PIXELS) == sent;
  l->state = 0;
  if (good) l->received++;
  if (!good) l->damaged++;
  return good;
}

static bool take_byte(frame_link *l, uint8_t byte) {
  if (l->state < HEAD) {
    l->state = look_for_marks(l, byte);
    return false;
  }
  if (l->state < BODY_END) {
    l->pixels[l->state - HEAD] = (int8_t)(byte - 128);
  } else {
    l->crc[l->state - BODY_END] = byte;
  }
  return ++l->state == FRAME_END && finish_frame(l);
}

static const int8_t *link_next(void *context) {
  frame_link *l = context;
  int byte;
  while ((byte = port_read(&l->port)) >= 0) {
    if (take_byte(l, (uint8_t)byte)) return l->pixels;
  }
  return NULL;
}

frame_source frame_link_source(frame_link *l) { return (frame_source){l, link_next}; }
