/* I2C1 as master at 400 kHz by polling; every wait is bounded. */
#ifndef I2C_H
#define I2C_H
#include "i2c_bus.h"

i2c_bus i2c_start(uint32_t apb1_hz);

#endif
