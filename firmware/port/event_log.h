/* Boots and panics, kept in the chip's own flash over power loss. */
#ifndef EVENT_LOG_H
#define EVENT_LOG_H
#include <stdbool.h>
#include <stdint.h>

#include "panic.h"

/* Notes this boot and the panic before it (or NULL); returns how many events the log has counted,
 * 0 where the flash cannot be written (emulator, protected chip). */
uint32_t event_log_boot(bool emulated, const char *cause, const panic_note *note);

#endif
