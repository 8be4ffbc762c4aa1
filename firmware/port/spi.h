/* SPI2 as master at about 10 MHz, mode 0, chip select on PB12, by polling with bounded waits. */
#ifndef SPI_H
#define SPI_H
#include "spi_bus.h"

spi_bus spi_start(uint32_t apb1_hz);

#endif
