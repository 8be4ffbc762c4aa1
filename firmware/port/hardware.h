/* Set-up of clocks, pins and time for a node. */
#ifndef HARDWARE_H
#define HARDWARE_H
#include <stdbool.h>

#include "console.h"
#include "i2c_bus.h"
#include "uart.h"

typedef struct {
  uint32_t core_hz, apb1_hz, apb2_hz;
  bool emulated; /* no clock controller: an emulator, I2C and SPI go through the tunnel */
} hardware;

typedef enum { CLOCK_SLOW, CLOCK_FAST } clock_choice; /* 16 MHz, or 168 MHz from the PLL */

/* Clocks, pins, SysTick, watchdog. Every wait in it is bounded; a crystal that does not start
 * leaves the 16 MHz oscillator in use. */
hardware hardware_start(clock_choice choice);

/* Sleeps until wait_ms have passed or a byte has come on one of the UARTs. */
void hardware_sleep(uint32_t wait_ms, uart *const uarts[], unsigned count);

/* Must be called at least every WATCHDOG_MS, else the node notes where it hangs and resets. */
void watchdog_kick(void);

/* Writes the boot line and, when there is one, the panic of the last run. */
void hardware_report_boot(console *out, const char *name, const hardware *h);

enum { WATCHDOG_MS = 4000 };

#endif
