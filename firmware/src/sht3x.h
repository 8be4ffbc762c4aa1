/* Sensirion SHT3x at 0x44: single shot, high repeatability, no clock stretching. */
#ifndef SHT3X_H
#define SHT3X_H
#include <stdbool.h>

#include "i2c_bus.h"

enum { SHT3X_ADDRESS = 0x44, SHT3X_MEASURE_MS = 16 };

typedef struct {
  int32_t temperature_x100; /* degrees Celsius x 100 */
  int32_t humidity_x100;    /* percent x 100 */
} climate;

bool sht3x_start(const i2c_bus *bus);

/* SHT3X_MEASURE_MS after the start; false when the device is silent or a checksum is wrong. */
bool sht3x_read(const i2c_bus *bus, climate *reading);

#endif
