#include "bmx280.h"

#include <string.h>

enum {
  REG_CALIBRATION = 0x88,
  REG_H1 = 0xA1,
  REG_CHIP_ID = 0xD0,
  REG_H2 = 0xE1,
  REG_HUMIDITY_CONTROL = 0xF2,
  REG_STATUS = 0xF3,
  REG_MEASURE_CONTROL = 0xF4,
  REG_DATA = 0xF7,
  ONE_CONVERSION_FORCED = 0x25,
  MEASURING = 0x08,
};

static int16_t signed16(const uint8_t *at) { return (int16_t)(uint16_t)(at[1] << 8 | at[0]); }

static bool read_humidity_calibration(bmx280 *s, const i2c_bus *bus) {
  uint8_t h[7];
  if (i2c_read_registers(bus, s->address, REG_H1, &s->h1, 1) != I2C_OK) return false;
  if (i2c_read_registers(bus, s->address, REG_H2, h, sizeof h) != I2C_OK) return false;
  s->h2 = signed16(h);
  s->h3 = h[2];
  s->h4 = (int16_t)((int8_t)h[3] * 16 + (h[4] & 15));
  s->h5 = (int16_t)((int8_t)h[5] * 16 + (h[4] >> 4));
  s->h6 = (int8_t)h[6];
  return true;
}

static bool read_calibration(bmx280 *s, const i2c_bus *bus) {
  uint8_t c[24];
  if (i2c_read_registers(bus, s->address, REG_CALIBRATION, c, sizeof c) != I2C_OK) return false;
  s->t1 = (uint16_t)signed16(c);
  s->t2 = signed16(c + 2);
  s->t3 = signed16(c + 4);
  s->p1 = (uint16_t)signed16(c + 6);
  int16_t *const p[8] = {&s->p2, &s->p3, &s->p4, &s->p5, &s->p6, &s->p7, &s->p8, &s->p9};
  for (int i = 0; i < 8; i++) *p[i] = signed16(c + 8 + 2 * i);
  return s->chip_id != BME280_CHIP_ID || read_humidity_calibration(s, bus);
}

bool bmx280_begin(bmx280 *s, const i2c_bus *bus) {
  static const uint8_t addresses[2] = {BMX280_ADDRESS, BMX280_ADDRESS_HIGH};
  memset(s, 0, sizeof *s);
  for (int i = 0; i < 2; i++) {
    uint8_t id = 0;
    if (i2c_read_registers(bus, addresses[i], REG_CHIP_ID, &id, 1) != I2C_OK) continue;
    if (id != BMP280_CHIP_ID && id != BME280_CHIP_ID) continue;
    s->address = addresses[i];
    s->chip_id = id;
    if (read_calibration(s, bus)) return true;
    s->address = 0;
  }
  return false;
}

bool bmx280_start(bmx280 *s, const i2c_bus *bus) {
  if (s->chip_id == BME280_CHIP_ID &&
      i2c_write_register(bus, s->address, REG_HUMIDITY_CONTROL, 1) != I2C_OK) {
    return false;
  }
  return i2c_write_register(bus, s->address, REG_MEASURE_CONTROL, ONE_CONVERSION_FORCED) == I2C_OK;
}

/* Fine temperature: 1/5120 degree. Data sheet section 8.2; 64 bits where a strange calibration
 * would overflow 32. */
static int32_t fine_temperature(const bmx280 *s, int32_t raw) {
  int64_t d = (raw >> 4) - s->t1;
  int64_t linear = (((raw >> 3) - 2 * (int64_t)s->t1) * s->t2) >> 11;
  return (int32_t)(linear + ((((d * d) >> 12) * s->t3) >> 14));
}

/* Pascal x 256 in 64 bits, then rounded to Pascal. */
static int32_t pressure(const bmx280 *s, int32_t raw, int32_t fine) {
  int64_t v1 = (int64_t)fine - 128000;
  int64_t v2 = v1 * v1 * s->p6 + v1 * s->p5 * 131072 + (int64_t)s->p4 * 34359738368;
  v1 = ((v1 * v1 * s->p3) >> 8) + v1 * s->p2 * 4096;
  v1 = ((((int64_t)1 << 47) + v1) * s->p1) >> 33;
  if (v1 == 0) return 0; /* a calibration of zeros */
  int64_t p = ((((int64_t)1048576 - raw) * 2147483648 - v2) * 3125) / v1;
  v1 = (s->p9 * (p >> 13) * (p >> 13)) >> 25;
  v2 = (s->p8 * p) >> 19;
  p = ((p + v1 + v2) >> 8) + (int64_t)s->p7 * 16;
  return (int32_t)((p + 128) >> 8);
}

/* Percent x 1024 from the data sheet's formula, then x 100. */
static int32_t humidity(const bmx280 *s, int32_t raw, int32_t fine) {
  int64_t v = (int64_t)fine - 76800;
  int64_t left = ((int64_t)raw * 16384 - s->h4 * 1048576LL - s->h5 * v + 16384) >> 15;
  int64_t right = (((v * s->h6) >> 10) * (((v * s->h3) >> 11) + 32768)) >> 10;
  v = left * (((right + 2097152) * s->h2 + 8192) >> 14);
  v -= ((((v >> 15) * (v >> 15)) >> 7) * s->h1) >> 4;
  v = v < 0 ? 0 : v > 419430400 ? 419430400 : v;
  return (int32_t)(((v >> 12) * 100 + 512) >> 10);
}

void bmx280_compensate(const bmx280 *s, const int32_t raw[3], bmx280_reading *reading) {
  int32_t fine = fine_temperature(s, raw[0]);
  reading->temperature_x100 = (fine * 5 + 128) >> 8;
  reading->pressure_pa = pressure(s, raw[1], fine);
  reading->humidity_x100 = s->chip_id == BME280_CHIP_ID ? humidity(s, raw[2], fine) : 0;
}

bool bmx280_read(bmx280 *s, const i2c_bus *bus, bmx280_reading *reading) {
  uint8_t status, d[8] = {0};
  if (i2c_read_registers(bus, s->address, REG_STATUS, &status, 1) != I2C_OK) return false;
  if (status & MEASURING) return false;
  size_t count = s->chip_id == BME280_CHIP_ID ? 8 : 6;
  if (i2c_read_registers(bus, s->address, REG_DATA, d, count) != I2C_OK) return false;
  const int32_t raw[3] = {d[3] << 12 | d[4] << 4 | d[5] >> 4, d[0] << 12 | d[1] << 4 | d[2] >> 4,
                          d[6] << 8 | d[7]};
  bmx280_compensate(s, raw, reading);
  return true;
}
