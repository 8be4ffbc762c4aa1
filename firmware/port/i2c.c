/* Sequence of RM0390, section 24.3.3. A master waits for one flag at a time; each wait ends after
 * WAIT_US (a byte takes 23 us at 400 kHz, stretching by our sensors none). After a failure the
 * peripheral is reset and the bus is clocked free, since a device that was interrupted in the
 * middle of a byte may hold the data line. */
#include "i2c.h"

#include "board.h"
#include "registers.h"

enum {
  CR1_ENABLE = 1 << 0,
  CR1_START = 1 << 8,
  CR1_STOP = 1 << 9,
  CR1_ACK = 1 << 10,
  CR1_POS = 1 << 11,
  CR1_RESET = 1 << 15,
  SR1_STARTED = 1 << 0,
  SR1_ADDRESSED = 1 << 1,
  SR1_FINISHED = 1 << 2,
  SR1_RECEIVED = 1 << 6,
  SR1_TX_EMPTY = 1 << 7,
  SR1_BUS_ERROR = 1 << 8,
  SR1_LOST = 1 << 9,
  SR1_NACK = 1 << 10,
  SR2_BUSY = 1 << 1,
  WAIT_US = 1000,
  HALF_CLOCK_US = 5,
};

static uint32_t clock_hz;

static void configure(void) {
  I2C1->CR1 = CR1_RESET;
  I2C1->CR1 = 0;
  I2C1->CR2 = clock_hz / 1000000;
  I2C1->CCR = 1u << 15 | (clock_hz + 1199999) / 1200000; /* fast mode, low:high 2:1 */
  I2C1->TRISE = clock_hz / 1000000 * 300 / 1000 + 1;
  I2C1->CR1 = CR1_ENABLE;
}

static i2c_status wait_for(uint32_t flag) {
  uint32_t start = board_now_us();
  for (;;) {
    uint32_t status = I2C1->SR1;
    if (status & (SR1_LOST | SR1_BUS_ERROR)) return I2C_LOST;
    if (status & SR1_NACK) return I2C_NACK;
    if (status & flag) return I2C_OK;
    if (board_now_us() - start > WAIT_US) return I2C_TIMEOUT;
  }
}

static void clear_addressed(void) {
  (void)I2C1->SR1;
  (void)I2C1->SR2;
}

static i2c_status address_device(uint8_t address_and_direction) {
  I2C1->CR1 |= CR1_START;
  i2c_status status = wait_for(SR1_STARTED);
  if (status != I2C_OK) return status;
  I2C1->DR = address_and_direction;
  status = wait_for(SR1_ADDRESSED);
  return status == I2C_NACK ? I2C_NO_DEVICE : status;
}

static i2c_status write_bytes(uint8_t address, const uint8_t *out, size_t count) {
  i2c_status status = address_device((uint8_t)(address << 1));
  if (status != I2C_OK) return status;
  clear_addressed();
  for (size_t i = 0; i < count; i++) {
    if ((status = wait_for(SR1_TX_EMPTY)) != I2C_OK) return status;
    I2C1->DR = out[i];
  }
  return count ? wait_for(SR1_FINISHED) : I2C_OK;
}

static i2c_status read_one(uint8_t *in) {
  I2C1->CR1 &= ~(uint32_t)CR1_ACK;
  clear_addressed();
  I2C1->CR1 |= CR1_STOP;
  i2c_status status = wait_for(SR1_RECEIVED);
  if (status == I2C_OK) *in = (uint8_t)I2C1->DR;
  return status;
}

/* Two bytes: the acknowledge bit set by POS belongs to the second one. */
static i2c_status read_two(uint8_t *in) {
  I2C1->CR1 = (I2C1->CR1 & ~(uint32_t)CR1_ACK) | CR1_POS;
  clear_addressed();
  i2c_status status = wait_for(SR1_FINISHED);
  if (status != I2C_OK) return status;
  I2C1->CR1 |= CR1_STOP;
  in[0] = (uint8_t)I2C1->DR;
  in[1] = (uint8_t)I2C1->DR;
  return I2C_OK;
}

/* Three and more: stop is set while the last two wait in the shift and data registers. */
static i2c_status read_many(uint8_t *in, size_t count) {
  i2c_status status;
  clear_addressed();
  for (size_t i = 0; i < count - 3; i++) {
    if ((status = wait_for(SR1_RECEIVED)) != I2C_OK) return status;
    in[i] = (uint8_t)I2C1->DR;
  }
  if ((status = wait_for(SR1_FINISHED)) != I2C_OK) return status;
  I2C1->CR1 &= ~(uint32_t)CR1_ACK;
  in[count - 3] = (uint8_t)I2C1->DR;
  if ((status = wait_for(SR1_FINISHED)) != I2C_OK) return status;
  I2C1->CR1 |= CR1_STOP;
  in[count - 2] = (uint8_t)I2C1->DR;
  in[count - 1] = (uint8_t)I2C1->DR;
  return I2C_OK;
}

static i2c_status read_bytes(uint8_t address, uint8_t *in, size_t count) {
  I2C1->CR1 = (I2C1->CR1 & ~(uint32_t)CR1_POS) | CR1_ACK;
  i2c_status status = address_device((uint8_t)(address << 1 | 1));
  if (status != I2C_OK) return status;
  if (count == 1) return read_one(in);
  return count == 2 ? read_two(in) : read_many(in, count);
}

static void pause_half_clock(void) {
  uint32_t start = board_now_us();
  while (board_now_us() - start < HALF_CLOCK_US) continue;
}

/* Nine clocks by hand let any device finish its byte; then the pins go back to the peripheral. */
static void free_bus(void) {
  uint32_t mode = GPIOB->MODER;
  GPIOB->BSRR = 3u << 8;
  GPIOB->MODER = (mode & ~(15u << 16)) | 5u << 16;
  for (int i = 0; i < 9; i++) {
    GPIOB->BSRR = 1u << (8 + 16);
    pause_half_clock();
    GPIOB->BSRR = 1u << 8;
    pause_half_clock();
  }
  GPIOB->MODER = mode;
  configure();
}

static i2c_status wait_until_free(void) {
  uint32_t start = board_now_us();
  while (I2C1->SR2 & SR2_BUSY) {
    if (board_now_us() - start > WAIT_US) return I2C_TIMEOUT;
  }
  return I2C_OK;
}

static i2c_status run(uint8_t address, const uint8_t *out, size_t out_count, uint8_t *in,
                      size_t in_count) {
  i2c_status status = wait_until_free();
  if (status == I2C_OK && (out_count || !in_count)) status = write_bytes(address, out, out_count);
  if (status != I2C_OK) return status;
  if (in_count) return read_bytes(address, in, in_count);
  I2C1->CR1 |= CR1_STOP;
  return I2C_OK;
}

static i2c_status transfer(void *context, uint8_t address, const uint8_t *out, size_t out_count,
                           uint8_t *in, size_t in_count) {
  (void)context;
  i2c_status status = run(address, out, out_count, in, in_count);
  if (status == I2C_NO_DEVICE || status == I2C_NACK) {
    I2C1->SR1 &= ~(uint32_t)SR1_NACK;
    I2C1->CR1 |= CR1_STOP;
  } else if (status != I2C_OK) {
    free_bus();
  }
  return status;
}

i2c_bus i2c_start(uint32_t apb1_hz) {
  clock_hz = apb1_hz;
  free_bus();
  return (i2c_bus){NULL, transfer};
}
