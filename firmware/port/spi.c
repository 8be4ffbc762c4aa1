#include "spi.h"

#include "registers.h"

enum {
  CR1_MASTER = 1 << 2,
  CR1_DIVIDER_SHIFT = 3,
  CR1_ENABLE = 1 << 6,
  CR1_SELECTED = 1 << 8 | 1 << 9, /* software management of its own select input */
  SR_RECEIVED = 1 << 0,
  SR_TX_EMPTY = 1 << 1,
  SR_BUSY = 1 << 7,
  WAIT_LOOPS = 1000, /* a byte takes 2 us at the slowest */
  SELECT_PIN = 12,
};

static bool wait_for(uint32_t flag, uint32_t wanted) {
  for (int i = 0; i < WAIT_LOOPS; i++) {
    if ((SPI2->SR & flag) == wanted) return true;
  }
  return false;
}

static bool exchange(uint8_t out, uint8_t *in) {
  if (!wait_for(SR_TX_EMPTY, SR_TX_EMPTY)) return false;
  *(volatile uint8_t *)&SPI2->DR = out;
  if (!wait_for(SR_RECEIVED, SR_RECEIVED)) return false;
  *in = *(volatile uint8_t *)&SPI2->DR;
  return true;
}

static bool transfer(void *context, const uint8_t *out, size_t out_count, uint8_t *in,
                     size_t in_count) {
  (void)context;
  uint8_t ignored;
  bool good = true;
  GPIOB->BSRR = 1u << (SELECT_PIN + 16);
  for (size_t i = 0; i < out_count && good; i++) good = exchange(out[i], &ignored);
  for (size_t i = 0; i < in_count && good; i++) good = exchange(0, &in[i]);
  good = wait_for(SR_BUSY, 0) && good;
  GPIOB->BSRR = 1u << SELECT_PIN;
  return good;
}

spi_bus spi_start(uint32_t apb1_hz) {
  uint32_t divider = apb1_hz > 20000000 ? 1 : 0; /* / 4 of 42 MHz, / 2 of 16 MHz */
  SPI2->CR1 = CR1_MASTER | CR1_SELECTED | divider << CR1_DIVIDER_SHIFT;
  SPI2->CR1 |= CR1_ENABLE;
  return (spi_bus){NULL, transfer};
}
