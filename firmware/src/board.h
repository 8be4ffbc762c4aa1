/* What the portable part needs of the board beyond its ports. The host tests bring their own. */
#ifndef BOARD_H
#define BOARD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint32_t board_now_ms(void);
/* Microseconds since boot, wraps after 71 minutes; for measuring durations. */
uint32_t board_now_us(void);
/* A number that differs between boards (from the chip's unique id). */
uint32_t board_seed(void);
/* Deepest stack use since boot, bytes. */
uint32_t board_stack_used(void);
/* The blue button, not debounced. */
bool board_button_down(void);
_Noreturn void board_reset(void);
/* Keeps the reason over the reset that follows; it is reported at the next boot. */
_Noreturn void board_panic(const char *reason);

#endif
