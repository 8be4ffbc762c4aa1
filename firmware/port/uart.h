/* UART with interrupt rings. */
#ifndef UART_H
#define UART_H
#include "byte_port.h"
#include "registers.h"
#include "ring.h"

typedef struct {
  usart_registers *registers;
  ring rx, tx;
  volatile uint32_t overruns; /* bytes that the hardware lost */
} uart;

typedef struct {
  usart_registers *registers;
  unsigned irq;
  uint32_t bus_hz;
  uint32_t baud;
} uart_setup;

void uart_init(uart *u, uart_setup setup);
void uart_interrupt(uart *u);
byte_port uart_port(uart *u);

/* A UART object with its rings; sizes are powers of two. */
#define UART_WITH_RINGS(name, rx_size, tx_size)   \
  static uint8_t name##_rx[rx_size];              \
  static uint8_t name##_tx[tx_size];              \
  static uart name = {.rx = {.bytes = name##_rx, .size = rx_size}, \
                      .tx = {.bytes = name##_tx, .size = tx_size}}

#endif
