#include "flash_log.h"

#include <string.h>

#include "crc.h"

static uint32_t slots_per_sector(const flash_log *log) {
  return log->device.sector_bytes / FLASH_LOG_SLOT;
}

static const flash_event *slot_at(const flash_log *log, unsigned sector, uint32_t slot) {
  const uint8_t *base = log->device.sector(log->device.context, sector);
  return (const flash_event *)(const void *)(base + slot * FLASH_LOG_SLOT);
}

static bool is_valid(const flash_event *e) {
  return e->crc == crc32_iso(e, offsetof(flash_event, crc));
}

static bool is_blank(const flash_event *e) {
  const uint8_t *bytes = (const uint8_t *)e;
  for (size_t i = 0; i < FLASH_LOG_SLOT; i++) {
    if (bytes[i] != 0xFF) return false;
  }
  return true;
}

static void scan_sector(flash_log *log, unsigned sector) {
  for (uint32_t slot = 0; slot < slots_per_sector(log); slot++) {
    const flash_event *e = slot_at(log, sector, slot);
    if (!is_valid(e) || e->number < log->next_number) continue;
    log->next_number = e->number + 1;
    log->sector = sector;
  }
}

/* The first slot behind everything that was ever programmed, torn slots included. */
static uint32_t end_of_sector(const flash_log *log) {
  uint32_t end = slots_per_sector(log);
  while (end && is_blank(slot_at(log, log->sector, end - 1))) end--;
  return end;
}

void flash_log_open(flash_log *log, flash_device device) {
  *log = (flash_log){.device = device, .next_number = 1};
  for (unsigned sector = 0; sector < FLASH_LOG_SECTORS; sector++) scan_sector(log, sector);
  log->next_slot = end_of_sector(log);
}

static bool continue_in_other(flash_log *log) {
  unsigned other = 1 - log->sector;
  if (!log->device.erase(log->device.context, other)) return false;
  log->sector = other;
  log->next_slot = 0;
  return true;
}

bool flash_log_append(flash_log *log, uint32_t kind, const void *data, size_t count) {
  if (count > FLASH_LOG_DATA) return false;
  if (log->next_slot >= slots_per_sector(log) && !continue_in_other(log)) return false;
  flash_event e = {.number = log->next_number, .kind = kind};
  memcpy(e.data, data, count);
  e.crc = crc32_iso(&e, offsetof(flash_event, crc));
  uint32_t words[FLASH_LOG_SLOT / 4];
  memcpy(words, &e, sizeof words);
  uint32_t offset = log->next_slot++ * FLASH_LOG_SLOT;
  const flash_device *d = &log->device;
  if (!d->program(d->context, log->sector, offset, words, FLASH_LOG_SLOT / 4)) return false;
  log->next_number++;
  return true;
}

const flash_event *flash_log_newest(const flash_log *log, uint32_t kind) {
  const flash_event *newest = NULL;
  for (unsigned sector = 0; sector < FLASH_LOG_SECTORS; sector++) {
    for (uint32_t slot = 0; slot < slots_per_sector(log); slot++) {
      const flash_event *e = slot_at(log, sector, slot);
      if (e->kind != kind || !is_valid(e)) continue;
      if (!newest || e->number > newest->number) newest = e;
    }
  }
  return newest;
}
