/* What travels between the boards.
 *
 * Sensor packet: seq varint | temperature zig-zag varint | humidity varint | gas varint | CRC-16
 * big-endian over the bytes before it. Varints are LEB128. At most 3 + 3 + 3 + 5 + 2 = 16 bytes.
 * Acknowledgement: kind (1 ACK, 2 NACK) | seq varint; no CRC, at most 4 bytes. */
#ifndef POSTCARD_H
#define POSTCARD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SENSOR_FRAME_MAX = 16, ACK_FRAME_MAX = 4, CRC_BYTES = 2 };
enum { LINK_SENSOR_ADDRESS = 1, LINK_RECEIVER_ADDRESS = 2 };

typedef struct {
  uint16_t seq;
  int16_t temperature_x10; /* degrees Celsius x 10 */
  uint16_t humidity_x100;  /* percent x 100 */
  uint32_t gas_ohms;       /* 0: no gas sensor */
} sensor_packet;

typedef enum { FRAME_OK, FRAME_BAD_CRC, FRAME_BAD_ENCODING } frame_status;

typedef enum { ACK_NONE = 0, ACK_ACCEPTED = 1, ACK_REFUSED = 2 } ack_kind;

typedef struct {
  ack_kind kind;
  uint16_t seq;
} ack_frame;

/* Writes the frame (room for SENSOR_FRAME_MAX), returns its length. */
size_t sensor_frame_encode(const sensor_packet *packet, uint8_t *frame);

/* Checks the CRC first, then the encoding: every byte must be used, no field may exceed its
 * width. */
frame_status sensor_frame_decode(const uint8_t *frame, size_t count, sensor_packet *packet);

/* The sequence number at the start of a frame whose CRC does not hold, 0 if unreadable.
 * Only good for telling the sender what a NACK is about. */
uint16_t sensor_frame_guess_seq(const uint8_t *frame, size_t count);

/* Writes the frame (room for ACK_FRAME_MAX), returns its length. */
size_t ack_encode(ack_frame ack, uint8_t *frame);

/* ACK_NONE for anything that is not exactly one acknowledgement. */
ack_frame ack_decode(const uint8_t *frame, size_t count);

#endif
