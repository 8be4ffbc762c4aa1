#include "bme680.h"

#include <string.h>

enum {
  REG_HEAT_VALUE = 0x00,
  REG_HEAT_RANGE = 0x02,
  REG_SWITCHING_ERROR = 0x04,
  REG_STATUS = 0x1D,
  REG_GAS = 0x2A,
  REG_HEATER_0 = 0x5A,
  REG_GAS_WAIT_0 = 0x64,
  REG_GAS_CONTROL = 0x71,
  REG_HUMIDITY_CONTROL = 0x72,
  REG_MEASURE_CONTROL = 0x74,
  REG_CHIP_ID = 0xD0,
  REG_GAS_CALIBRATION = 0xEB, /* g2 low, g2 high, g1, g3 */
  RUN_GAS = 0x10,
  ONE_CONVERSION_FORCED = 0x25, /* temperature x1, pressure x1, forced mode */
  NEW_DATA = 0x80,
  GAS_VALID = 0x20,
  HEAT_STABLE = 0x10,
};

static bool read_calibration(bme680 *s, const i2c_bus *bus) {
  uint8_t heat[5], gas[4];
  if (i2c_read_registers(bus, s->address, REG_HEAT_VALUE, heat, sizeof heat) != I2C_OK) {
    return false;
  }
  if (i2c_read_registers(bus, s->address, REG_GAS_CALIBRATION, gas, sizeof gas) != I2C_OK) {
    return false;
  }
  s->heat_value = (int8_t)heat[REG_HEAT_VALUE];
  s->heat_range = (heat[REG_HEAT_RANGE] >> 4) & 3;
  s->switching_error = (int8_t)((int8_t)heat[REG_SWITCHING_ERROR] >> 4);
  s->g2 = (int16_t)(uint16_t)(gas[1] << 8 | gas[0]);
  s->g1 = (int8_t)gas[2];
  s->g3 = (int8_t)gas[3];
  return true;
}

bool bme680_begin(bme680 *s, const i2c_bus *bus) {
  static const uint8_t addresses[2] = {BME680_ADDRESS, BME680_ADDRESS_LOW};
  memset(s, 0, sizeof *s);
  for (int i = 0; i < 2; i++) {
    uint8_t id = 0;
    if (i2c_read_registers(bus, addresses[i], REG_CHIP_ID, &id, 1) != I2C_OK) continue;
    if (id != BME680_CHIP_ID) continue;
    s->address = addresses[i];
    if (read_calibration(s, bus)) return true;
    s->address = 0;
  }
  return false;
}

/* Integer form of the data sheet's heater formula (section 3.3.5). */
uint8_t bme680_heater_resistance(const bme680 *s, int32_t ambient, int32_t target) {
  int32_t v1 = ambient * s->g3 / 10 * 256;
  int32_t v2 = (s->g1 + 784) * (((s->g2 + 154009) * target * 5 / 100 + 3276800) / 10);
  int32_t v4 = (v1 + v2 / 2) / (s->heat_range + 4);
  int32_t v5 = 131 * s->heat_value + 65536;
  int32_t x100 = (v4 / v5 - 250) * 34;
  return (uint8_t)((x100 + 50) / 100);
}

/* The data sheet's two range tables (section 3.4.1): correction in per mille, scale x 512. */
static const uint16_t range_permille[16] = {1000, 1000, 1000, 1000, 1000, 990, 1000, 992,
                                            1000, 1000, 998,  995,  1000, 990, 1000, 1000};
static const uint32_t range_scale[16] = {
    4096000000u, 2048000000u, 1024000000u, 512000000u, 255744255u, 127110228u, 64000000u, 32258064u,
    16016016u,   8000000u,    4000000u,    2000000u,   1000000u,   500000u,    250000u,   125000u};

uint32_t bme680_gas_ohms(const bme680 *s, uint32_t raw, uint8_t range) {
  /* (1340 + 5 e) x correction, kept at 2^15 so that all that follows stays whole. */
  int64_t v1 = (1340 + 5 * (int64_t)s->switching_error) * range_permille[range] * 32768 / 1000;
  int64_t divisor = ((int64_t)raw << 15) - (1 << 24) + v1;
  if (divisor <= 0) return 0;
  return (uint32_t)(((((int64_t)range_scale[range] * v1) >> 9) + (divisor >> 1)) / divisor);
}

/* Wait code: 6 bits, times 4^n. 150 ms = 37 x 4 + 2, rounded down to 148. */
static uint8_t wait_code(uint32_t ms) {
  uint8_t factor = 0;
  while (ms > 63) {
    ms /= 4;
    factor++;
  }
  return (uint8_t)(factor << 6 | ms);
}

bool bme680_start(bme680 *s, const i2c_bus *bus, int32_t ambient) {
  const uint8_t settings[][2] = {
      {REG_HUMIDITY_CONTROL, 0x01},
      {REG_HEATER_0, bme680_heater_resistance(s, ambient, BME680_HEATER_CELSIUS)},
      {REG_GAS_WAIT_0, wait_code(BME680_HEATER_MS)},
      {REG_GAS_CONTROL, RUN_GAS},
      {REG_MEASURE_CONTROL, ONE_CONVERSION_FORCED},
  };
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    if (i2c_write(bus, s->address, settings[i], 2) != I2C_OK) return false;
  }
  return true;
}

gas_status bme680_read(bme680 *s, const i2c_bus *bus, uint32_t *ohms) {
  uint8_t status, gas[2];
  if (i2c_read_registers(bus, s->address, REG_STATUS, &status, 1) != I2C_OK) return GAS_FAILED;
  if (!(status & NEW_DATA)) return GAS_BUSY;
  if (i2c_read_registers(bus, s->address, REG_GAS, gas, sizeof gas) != I2C_OK) return GAS_FAILED;
  if ((gas[1] & (GAS_VALID | HEAT_STABLE)) != (GAS_VALID | HEAT_STABLE)) return GAS_UNSTABLE;
  *ohms = bme680_gas_ohms(s, (uint32_t)(gas[0] << 2 | gas[1] >> 6), gas[1] & 15);
  return GAS_READY;
}
