/* What went wrong, kept in RAM over the reset that follows and told at the next boot. */
#ifndef PANIC_H
#define PANIC_H
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

typedef struct {
  uint32_t magic;
  char reason[40];
  uint32_t pc, lr;  /* 0 when it was no exception */
  uint32_t faults;  /* CFSR */
  uint32_t uptime_ms;
  uint32_t crc;
} panic_note;

/* Notes the reason and resets. frame: the eight words that an exception pushed, or NULL. */
_Noreturn void panic_record(const char *reason, const uint32_t *frame);

/* Takes the note of the last run, if there is one; it is gone afterwards. */
bool panic_take(panic_note *note);

/* Boots since power came; 1 after power-on. Counts up once per call. */
uint32_t panic_count_boot(void);

#endif
