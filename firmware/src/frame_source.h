/* Where pictures come from. The one source at hand is a serial link: a camera board, or the host
 * that plays one, sends C5 5C, 576 pixels (0 black), CRC-16 big-endian over each pixel - 128. A
 * DCMI camera driver is not part of this firmware; it would be another implementation of
 * frame_source. */
#ifndef FRAME_SOURCE_H
#define FRAME_SOURCE_H
#include "byte_port.h"
#include "nn.h"

typedef struct {
  void *context;
  /* A complete picture (pixel - 128) that stays until the next call, or NULL. */
  const int8_t *(*next)(void *context);
} frame_source;

typedef struct {
  byte_port port;
  uint16_t state; /* bytes of the frame so far, the two marks included */
  int8_t pixels[NN_PIXELS];
  uint8_t crc[2];
  uint32_t received, damaged;
} frame_link;

void frame_link_init(frame_link *l, byte_port port);
frame_source frame_link_source(frame_link *l);

#endif
