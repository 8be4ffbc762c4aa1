/* SPI FRAM with 16-bit addresses, 32 KB (MB85RS256, FM25V02, CY15B256): writes at bus speed, 10^13
 * times and more, no erasing. */
#ifndef FRAM_H
#define FRAM_H
#include "spi_bus.h"
#include "storage.h"

enum { FRAM_BYTES = 32768, FRAM_CHUNK = 64 };

/* Looks for the chip (write enable must be readable in its status); size 0 when it is absent. */
storage fram_open(spi_bus *bus);

#endif
