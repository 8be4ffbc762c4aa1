#include "sht3x.h"

#include "crc.h"

bool sht3x_start(const i2c_bus *bus) {
  static const uint8_t measure[2] = {0x24, 0x00};
  return i2c_write(bus, SHT3X_ADDRESS, measure, sizeof measure) == I2C_OK;
}

bool sht3x_read(const i2c_bus *bus, climate *reading) {
  uint8_t d[6];
  if (i2c_read(bus, SHT3X_ADDRESS, d, sizeof d) != I2C_OK) return false;
  if (crc8_sensirion(d, 2) != d[2] || crc8_sensirion(d + 3, 2) != d[5]) return false;
  uint32_t raw_temperature = (uint32_t)(d[0] << 8 | d[1]);
  uint32_t raw_humidity = (uint32_t)(d[3] << 8 | d[4]);
  /* T = -45 + 175 raw / 65535, RH = 100 raw / 65535, rounded. */
  reading->temperature_x100 = (int32_t)((17500 * raw_temperature + 32767) / 65535) - 4500;
  reading->humidity_x100 = (int32_t)((10000 * raw_humidity + 32767) / 65535);
  return true;
}
