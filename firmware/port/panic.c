#include "panic.h"

#include <string.h>

#include "board.h"
#include "crc.h"
#include "registers.h"

enum { NOTE_MAGIC = 0x50414E43, BOOT_MAGIC = 0x424F4F54 };

__attribute__((section(".noinit"))) static panic_note kept;
__attribute__((section(".noinit"))) static struct {
  uint32_t magic, count, check;
} boots;

_Noreturn void board_reset(void) {
  __asm__ volatile("dsb");
  SCB_AIRCR = 0x05FA0004u;
  for (;;) wait_for_interrupt();
}

_Noreturn void panic_record(const char *reason, const uint32_t *frame) {
  (void)interrupts_off();
  memset(&kept, 0, sizeof kept);
  kept.magic = NOTE_MAGIC;
  strncpy(kept.reason, reason, sizeof kept.reason - 1);
  if (frame) {
    kept.lr = frame[5];
    kept.pc = frame[6];
  }
  kept.faults = SCB_CFSR;
  kept.uptime_ms = board_now_ms();
  kept.crc = crc32_iso(&kept, offsetof(panic_note, crc));
  board_reset();
}

_Noreturn void board_panic(const char *reason) { panic_record(reason, NULL); }

bool panic_take(panic_note *note) {
  bool good = kept.magic == NOTE_MAGIC && kept.crc == crc32_iso(&kept, offsetof(panic_note, crc));
  if (good) *note = kept;
  kept.magic = 0;
  return good;
}

uint32_t panic_count_boot(void) {
  bool warm = boots.magic == BOOT_MAGIC && boots.check == ~boots.count;
  boots.magic = BOOT_MAGIC;
  boots.count = warm ? boots.count + 1 : 1;
  boots.check = ~boots.count;
  return boots.count;
}
