/* Bosch BME680: used for its gas resistance only; climate comes from the more exact SHT3x. */
#ifndef BME680_H
#define BME680_H
#include <stdbool.h>

#include "i2c_bus.h"

enum {
  BME680_ADDRESS = 0x77,     /* SDO high; 0x76 is tried too */
  BME680_ADDRESS_LOW = 0x76,
  BME680_CHIP_ID = 0x61,
  BME680_HEATER_CELSIUS = 320,
  BME680_HEATER_MS = 150,
  BME680_MEASURE_MS = 180, /* heater and one conversion of each */
};

typedef struct {
  uint8_t address; /* 0: absent */
  uint8_t heat_range;
  int8_t heat_value;
  int8_t switching_error;
  int8_t g1, g3;
  int16_t g2;
} bme680;

typedef enum { GAS_READY, GAS_BUSY, GAS_UNSTABLE, GAS_FAILED } gas_status;

/* Looks for the chip and reads its calibration; false when it is absent or another chip. */
bool bme680_begin(bme680 *s, const i2c_bus *bus);

/* Starts one forced measurement; ambient sets the heater's resistance. */
bool bme680_start(bme680 *s, const i2c_bus *bus, int32_t ambient_celsius);

/* GAS_UNSTABLE: the heater had not reached its temperature, the value would be wrong. */
gas_status bme680_read(bme680 *s, const i2c_bus *bus, uint32_t *ohms);

/* The register value that heats the plate to target degrees Celsius. */
uint8_t bme680_heater_resistance(const bme680 *s, int32_t ambient_celsius, int32_t target_celsius);

/* Ohms of a raw conversion (0..1023) in a range (0..15). */
uint32_t bme680_gas_ohms(const bme680 *s, uint32_t raw, uint8_t range);

#endif
