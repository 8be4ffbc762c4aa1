/* I2C and SPI transactions over USART6 to the host that runs the emulator, which has neither of the
 * two. Only the innermost transfer is replaced: every driver above runs as on the board.
 *
 * Both directions carry SLIP frames (C0 around, DB DC and DB DD for C0 and DB inside), so that
 * either side finds its feet again after a reset in the middle of a frame.
 * Request  number, 'I', address, in count, out bytes
 *          number, 'S', in count (16 bits, big-endian), out bytes
 * Answer   number, status (0 or the i2c_status negated), in bytes
 * An answer with another number belongs to a request that was given up: it is skipped. */
#ifndef TUNNEL_H
#define TUNNEL_H
#include "i2c_bus.h"
#include "spi_bus.h"
#include "uart.h"

enum { TUNNEL_WAIT_MS = 1000 };

void tunnel_start(uart *line);
i2c_bus tunnel_i2c(void);
spi_bus tunnel_spi(void);

/* Microseconds spent waiting for the host; the real transfer would take a fraction of it, so the
 * measure of the longest pass through the main loop leaves them out. */
uint32_t tunnel_waited_us(void);

#endif
