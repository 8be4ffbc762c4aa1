#include "uart.h"

enum {
  SR_OVERRUN = 1 << 3,
  SR_RECEIVED = 1 << 5,
  SR_TX_EMPTY = 1 << 7,
  CR1_RECEIVE = 1 << 2,
  CR1_TRANSMIT = 1 << 3,
  CR1_RX_INTERRUPT = 1 << 5,
  CR1_TX_INTERRUPT = 1 << 7,
  CR1_ENABLE = 1 << 13,
};

void uart_init(uart *u, uart_setup setup) {
  u->registers = setup.registers;
  u->registers->BRR = (setup.bus_hz + setup.baud / 2) / setup.baud;
  u->registers->CR1 = CR1_ENABLE | CR1_TRANSMIT | CR1_RECEIVE | CR1_RX_INTERRUPT;
  interrupt_enable(setup.irq);
}

void uart_interrupt(uart *u) {
  uint32_t status = u->registers->SR;
  if (status & (SR_RECEIVED | SR_OVERRUN)) {
    uint8_t byte = (uint8_t)u->registers->DR; /* reading clears both flags */
    if (status & SR_OVERRUN) u->overruns++;
    if (status & SR_RECEIVED) ring_put(&u->rx, byte);
  }
  if (!(u->registers->CR1 & CR1_TX_INTERRUPT) || !(u->registers->SR & SR_TX_EMPTY)) return;
  int byte = ring_get(&u->tx);
  if (byte >= 0) {
    u->registers->DR = (uint32_t)byte;
  } else {
    u->registers->CR1 &= ~(uint32_t)CR1_TX_INTERRUPT;
  }
}

static int uart_read(void *context) { return ring_get(&((uart *)context)->rx); }

static size_t uart_room(void *context) { return ring_room(&((uart *)context)->tx); }

/* Sends what the hardware takes at once, the interrupt sends the rest. The emulator has no
 * transmit interrupt but takes everything at once. */
static void start_sending(uart *u) {
  uint32_t state = interrupts_off();
  while ((u->registers->SR & SR_TX_EMPTY) && ring_used(&u->tx)) {
    u->registers->DR = (uint32_t)ring_get(&u->tx);
  }
  if (ring_used(&u->tx)) u->registers->CR1 |= CR1_TX_INTERRUPT;
  interrupts_restore(state);
}

static bool uart_write(void *context, const uint8_t *bytes, size_t count) {
  uart *u = context;
  if (ring_room(&u->tx) < count) return false;
  for (size_t i = 0; i < count; i++) ring_put(&u->tx, bytes[i]);
  start_sending(u);
  return true;
}

byte_port uart_port(uart *u) { return (byte_port){u, uart_read, uart_write, uart_room}; }
