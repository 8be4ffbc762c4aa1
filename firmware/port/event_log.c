#include "event_log.h"

#include <string.h>

#include "flash_log.h"
#include "registers.h"

enum {
  SECTOR_6_ADDRESS = 0x08040000,
  SECTOR_BYTES = 128 * 1024,
  FIRST_SECTOR = 6,
  SR_BUSY = 1 << 16,
  SR_ERRORS = 0xF2,
  CR_PROGRAM = 1 << 0,
  CR_ERASE = 1 << 1,
  CR_SECTOR_SHIFT = 3,
  CR_WORDS = 2 << 8,
  CR_START = 1 << 16,
  CR_LOCK = 1u << 31,
  WAIT_LOOPS = 40000000, /* erasing takes 2 s at most; beyond 5 s something is broken */
  EVENT_BOOT = 1,
  EVENT_PANIC = 2,
};

static const uint8_t *sector_at(void *context, unsigned sector) {
  (void)context;
  return (const uint8_t *)(uintptr_t)(SECTOR_6_ADDRESS + sector * SECTOR_BYTES);
}

static bool wait_until_done(void) {
  for (int i = 0; i < WAIT_LOOPS; i++) {
    if (!(FLASH->SR & SR_BUSY)) return !(FLASH->SR & SR_ERRORS);
    IWDG->KR = 0xAAAA;
  }
  return false;
}

static void unlock(void) {
  if (!(FLASH->CR & CR_LOCK)) return;
  FLASH->KEYR = 0x45670123;
  FLASH->KEYR = 0xCDEF89AB;
}

static bool program(void *context, unsigned sector, uint32_t offset, const uint32_t *words,
                    size_t count) {
  volatile uint32_t *to = (volatile uint32_t *)(uintptr_t)(sector_at(context, sector) + offset);
  bool good = true;
  unlock();
  FLASH->SR = SR_ERRORS; /* cleared by writing ones */
  FLASH->CR = CR_PROGRAM | CR_WORDS;
  for (size_t i = 0; i < count && good; i++) {
    to[i] = words[i];
    good = wait_until_done();
  }
  FLASH->CR = CR_LOCK;
  return good;
}

static bool erase(void *context, unsigned sector) {
  (void)context;
  unlock();
  FLASH->SR = SR_ERRORS;
  FLASH->CR = CR_ERASE | CR_WORDS | (FIRST_SECTOR + sector) << CR_SECTOR_SHIFT;
  FLASH->CR |= CR_START;
  bool good = wait_until_done();
  FLASH->CR = CR_LOCK;
  return good;
}

uint32_t event_log_boot(bool emulated, const char *cause, const panic_note *note) {
  if (emulated) return 0; /* its flash controller is not modelled */
  flash_log log;
  flash_log_open(&log, (flash_device){NULL, SECTOR_BYTES, sector_at, program, erase});
  if (note) {
    uint8_t data[FLASH_LOG_DATA] = {0};
    memcpy(data, &note->pc, 4);
    memcpy(data + 4, &note->faults, 4);
    memcpy(data + 8, note->reason, sizeof note->reason);
    if (!flash_log_append(&log, EVENT_PANIC, data, sizeof data)) return 0;
  }
  if (!flash_log_append(&log, EVENT_BOOT, cause, strlen(cause))) return 0;
  return log.next_number - 1;
}
