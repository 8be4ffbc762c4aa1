/* Sensor arithmetic against the data sheets, the button, and the flash log under power loss. */
#include "bme680.h"
#include "bmx280.h"
#include "button.h"
#include "check.h"
#include "fake_board.h"
#include "flash_log.h"
#include "gateway_line.h"
#include "sht3x.h"

static void test_sht3x(void) {
  fake_sht3x sensor = {.present = true};
  i2c_bus bus = fake_i2c(&sensor);
  climate c;
  for (int32_t t = -4000; t <= 12500; t += 37) {
    sensor.temperature_x100 = t;
    sensor.humidity_x100 = (t + 4000) % 10001;
    CHECK(sht3x_start(&bus) && sht3x_read(&bus, &c));
    CHECK_EQUAL(t, c.temperature_x100);
    CHECK_EQUAL(sensor.humidity_x100, c.humidity_x100);
  }
  sensor.corrupt = true;
  CHECK(!sht3x_read(&bus, &c));
  sensor.present = false;
  CHECK(!sht3x_start(&bus));
}

/* The worked example of the BMP280 data sheet: 25.08 degrees, 100653 Pa. */
static void test_bmx280(void) {
  const bmx280 s = {.chip_id = BME280_CHIP_ID, .t1 = 27504, .t2 = 26435, .t3 = -1000, .p1 = 36477,
                    .p2 = -10685, .p3 = 3024, .p4 = 2855, .p5 = 140, .p6 = -7, .p7 = 15500,
                    .p8 = -14600, .p9 = 6000, .h1 = 75, .h2 = 370, .h4 = 313, .h5 = 50, .h6 = 30};
  bmx280_reading r;
  bmx280_compensate(&s, (const int32_t[]){519888, 415148, 26000}, &r);
  CHECK_EQUAL(2508, r.temperature_x100);
  CHECK_EQUAL(100653, r.pressure_pa);
  CHECK(r.humidity_x100 > 0 && r.humidity_x100 < 10000);
  const bmx280 zeros = {0};
  bmx280_compensate(&zeros, (const int32_t[]){519888, 415148, 0}, &r);
  CHECK_EQUAL(0, r.pressure_pa);
}

static double gas_by_data_sheet(int error, int raw, int range) {
  static const double percent[16] = {0, 0, 0, 0, 0, -1, 0, -0.8, 0, 0, -0.2, -0.5, 0, -1, 0, 0};
  static const double scale[16] = {8e6, 4e6, 2e6, 1e6, 499500.4995, 248262.1648, 125000,
                                   63004.03226, 31281.28128, 15625, 7812.5, 3906.25, 1953.125,
                                   976.5625, 488.28125, 244.140625};
  double v = (1340.0 + 5.0 * error) * (1.0 + percent[range] / 100.0);
  return v * scale[range] / (raw - 512.0 + v);
}

static void test_bme680(void) {
  for (int error = -8; error < 8; error++) {
    const bme680 s = {.switching_error = (int8_t)error};
    for (int range = 0; range < 16; range++) {
      for (int raw = 0; raw < 1024; raw += 31) {
        double wanted = gas_by_data_sheet(error, raw, range);
        double got = bme680_gas_ohms(&s, (uint32_t)raw, (uint8_t)range);
        CHECK(got > wanted * 0.999 - 1 && got < wanted * 1.001 + 1);
      }
    }
  }
  const bme680 s = {.heat_range = 1, .heat_value = 40, .g1 = -28, .g2 = -12110, .g3 = 18};
  uint8_t warm = bme680_heater_resistance(&s, 40, 320), cold = bme680_heater_resistance(&s, 0, 320);
  CHECK(cold > 0 && warm > 0 && warm >= cold);
  CHECK(bme680_heater_resistance(&s, 25, 200) < bme680_heater_resistance(&s, 25, 320));
}

static void test_button(void) {
  button b = {0};
  uint32_t presses = 0;
  for (uint32_t ms = 0; ms < 20; ms++) presses += button_pressed(&b, ms % 3 == 0, ms);
  CHECK_EQUAL(0, presses); /* it bounces */
  for (uint32_t ms = 20; ms < 200; ms++) presses += button_pressed(&b, true, ms);
  CHECK_EQUAL(1, presses);
  for (uint32_t ms = 200; ms < 300; ms++) presses += button_pressed(&b, false, ms);
  for (uint32_t ms = 300; ms < 400; ms++) presses += button_pressed(&b, true, ms);
  CHECK_EQUAL(2, presses);
}

static void test_gateway_line(void) {
  char bytes[GATEWAY_LINE_MAX];
  text t = text_on(bytes, sizeof bytes);
  gateway_report r = {.uptime_ms = 194999,
                      .packet = {1, 283, 5260, 461235},
                      .own = {true, true, false, 2784, 4880, 0},
                      .rssi = -32,
                      .snr = 12,
                      .link = {.received = 1}};
  gateway_line(&t, &r);
  CHECK_TEXT(
      "{\"ts\":194500,\"id\":\"N2\",\"n1\":{\"t\":28.3,\"h\":52.6,\"g\":461235},"
      "\"n2\":{\"t\":27.8,\"h\":48.8},\"sig\":{\"rssi\":-32,\"snr\":12},"
      "\"sts\":{\"rx\":1,\"err\":0,\"frm\":0,\"dec\":0,\"mod\":0,\"dup\":0,\"gap\":0}}\n",
      bytes);
  memset(&r, 0xFF, sizeof r); /* the widest of everything fits */
  r.packet.temperature_x10 = r.rssi = r.snr = INT16_MIN;
  r.own = (own_climate){true, true, true, -1000001, -1000001, -1000001};
  t = text_on(bytes, sizeof bytes);
  gateway_line(&t, &r);
  CHECK(!t.overflow);
}

/* ---- flash log ---- */

enum { TEST_SECTOR = 1024 };
static uint32_t flash[FLASH_LOG_SECTORS][TEST_SECTOR / 4];
static long power_left; /* operations until the power fails, negative: never */

static bool spend(void) {
  if (power_left == 0) return false;
  if (power_left > 0) power_left--;
  return true;
}

static const uint8_t *flash_sector(void *context, unsigned sector) {
  (void)context;
  return (const uint8_t *)flash[sector];
}

static bool flash_program(void *context, unsigned sector, uint32_t offset, const uint32_t *words,
                          size_t count) {
  (void)context;
  for (size_t i = 0; i < count; i++) {
    if (!spend()) return false;
    flash[sector][offset / 4 + i] &= words[i]; /* programming only clears bits */
  }
  return true;
}

static bool flash_erase(void *context, unsigned sector) {
  (void)context;
  for (size_t i = 0; i < TEST_SECTOR / 4; i++) {
    if (i % 16 == 0 && !spend()) return false;
    flash[sector][i] = 0xFFFFFFFFu;
  }
  return true;
}

static flash_log reopened(void) {
  flash_log log;
  flash_log_open(&log, (flash_device){NULL, TEST_SECTOR, flash_sector, flash_program, flash_erase});
  return log;
}

/* Cuts the power at every single operation of 40 appends: nothing confirmed by a later event may
 * vanish, the newest confirmed event is found again, and the log goes on. */
static void test_flash_log(void) {
  for (long cut = 0; cut < 40 * 17; cut++) {
    memset(flash, 0xFF, sizeof flash);
    power_left = cut;
    uint32_t confirmed = 0;
    flash_log log = reopened();
    for (uint32_t i = 1; i <= 40; i++) {
      if (!flash_log_append(&log, 7, &i, sizeof i)) break;
      confirmed = i;
    }
    power_left = -1;
    log = reopened();
    const flash_event *newest = flash_log_newest(&log, 7);
    uint32_t found = 0;
    if (newest) memcpy(&found, newest->data, sizeof found);
    CHECK(found == confirmed || found == confirmed + 1);
    uint32_t next = 1000;
    CHECK(flash_log_append(&log, 7, &next, sizeof next));
    memcpy(&found, flash_log_newest(&log, 7)->data, sizeof found);
    CHECK_EQUAL(1000, found);
  }
}

static void test_foreign_flash(void) {
  memset(flash, 0x5A, sizeof flash);
  power_left = -1;
  flash_log log = reopened();
  uint32_t value = 3;
  CHECK(flash_log_newest(&log, 7) == NULL);
  CHECK(flash_log_append(&log, 7, &value, sizeof value));
  log = reopened();
  CHECK(flash_log_newest(&log, 7) != NULL);
  CHECK(!flash_log_append(&log, 7, &value, FLASH_LOG_DATA + 1));
}

void device_tests(void) {
  test_sht3x();
  test_bmx280();
  test_bme680();
  test_button();
  test_gateway_line();
  test_flash_log();
  test_foreign_flash();
}
