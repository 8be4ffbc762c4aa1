/* Bosch BMP280 (temperature, pressure) or BME280 (and humidity), told apart by the chip id. */
#ifndef BMX280_H
#define BMX280_H
#include <stdbool.h>

#include "i2c_bus.h"

enum {
  BMX280_ADDRESS = 0x76, /* SDO low; 0x77 is tried too */
  BMX280_ADDRESS_HIGH = 0x77,
  BMP280_CHIP_ID = 0x58,
  BME280_CHIP_ID = 0x60,
  BMX280_MEASURE_MS = 12, /* one conversion of each, 9.3 ms at most */
};

typedef struct {
  uint8_t address; /* 0: absent */
  uint8_t chip_id;
  uint16_t t1;
  int16_t t2, t3;
  uint16_t p1;
  int16_t p2, p3, p4, p5, p6, p7, p8, p9;
  uint8_t h1, h3;
  int16_t h2, h4, h5;
  int8_t h6;
} bmx280;

typedef struct {
  int32_t temperature_x100; /* degrees Celsius x 100 */
  int32_t pressure_pa;
  int32_t humidity_x100; /* percent x 100, only with a BME280 */
} bmx280_reading;

bool bmx280_begin(bmx280 *s, const i2c_bus *bus);
bool bmx280_start(bmx280 *s, const i2c_bus *bus);

/* BMX280_MEASURE_MS after the start. */
bool bmx280_read(bmx280 *s, const i2c_bus *bus, bmx280_reading *reading);

/* Compensation of raw conversions (20, 20 and 16 bits). */
void bmx280_compensate(const bmx280 *s, const int32_t raw[3], bmx280_reading *reading);

#endif
