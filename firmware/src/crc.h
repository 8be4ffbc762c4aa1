#ifndef CRC_H
#define CRC_H
#include <stddef.h>
#include <stdint.h>

/* CRC-16/IBM-3740: poly 0x1021, init 0xFFFF, not reflected; "123456789" -> 0x29B1. */
uint16_t crc16_ibm3740(const uint8_t *bytes, size_t count);

/* Sensirion's CRC-8: poly 0x31, init 0xFF; BE EF -> 0x92. */
uint8_t crc8_sensirion(const uint8_t *bytes, size_t count);

/* CRC-32/ISO-HDLC, for records at rest; "123456789" -> 0xCBF43926. */
uint32_t crc32_iso(const void *bytes, size_t count);

#endif
