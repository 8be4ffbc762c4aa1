/* Event log in two flash sectors.
 *
 * Layout: slots of 64 bytes, filled in order: number | kind | 52 bytes | CRC-32 of the 60 before
 * it. Numbers only grow. When a sector is full the other one is erased and continued, so at least
 * one sector of history remains. The CRC is programmed last: a slot torn by power loss does not
 * count and is skipped. Erasing stops the processor for one to two seconds on a single-bank flash,
 * which happens once in 2048 events and only at boot. */
#ifndef FLASH_LOG_H
#define FLASH_LOG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLASH_LOG_SECTORS = 2, FLASH_LOG_SLOT = 64, FLASH_LOG_DATA = 52 };

typedef struct {
  void *context;
  uint32_t sector_bytes;
  const uint8_t *(*sector)(void *context, unsigned sector); /* memory-mapped content */
  bool (*program)(void *context, unsigned sector, uint32_t offset, const uint32_t *words,
                  size_t count);
  bool (*erase)(void *context, unsigned sector);
} flash_device;

typedef struct {
  uint32_t number;
  uint32_t kind;
  uint8_t data[FLASH_LOG_DATA];
  uint32_t crc;
} flash_event;

typedef struct {
  flash_device device;
  unsigned sector; /* being filled */
  uint32_t next_slot;
  uint32_t next_number;
} flash_log;

/* Finds the end of the log; any content is accepted, an empty or foreign flash is an empty log. */
void flash_log_open(flash_log *log, flash_device device);

/* False when the device fails; what was in the log stays. */
bool flash_log_append(flash_log *log, uint32_t kind, const void *data, size_t count);

/* The newest event of a kind, NULL when there is none. */
const flash_event *flash_log_newest(const flash_log *log, uint32_t kind);

#endif
