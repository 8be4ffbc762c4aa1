/* Node 2 on the board: UART4 radio, USART2 virtual COM port, I2C1 sensors and display. */
#include "board.h"
#include "hardware.h"
#include "i2c.h"
#include "node2.h"
#include "tunnel.h"

UART_WITH_RINGS(radio, 1024, 512);
UART_WITH_RINGS(vcp, 256, 8192);
UART_WITH_RINGS(bus, 1024, 1024);

void uart4_handler(void) { uart_interrupt(&radio); }
void usart2_handler(void) { uart_interrupt(&vcp); }
void usart6_handler(void) { uart_interrupt(&bus); }

static node2 node;

static i2c_bus start_i2c(const hardware *h) {
  if (!h->emulated) return i2c_start(h->apb1_hz);
  uart_init(&bus, (uart_setup){USART6, IRQ_USART6, h->apb2_hz, 115200});
  tunnel_start(&bus);
  return tunnel_i2c();
}

int main(void) {
  hardware h = hardware_start(CLOCK_SLOW);
  uart_init(&radio, (uart_setup){UART4, IRQ_UART4, h.apb1_hz, 115200});
  uart_init(&vcp, (uart_setup){USART2, IRQ_USART2, h.apb1_hz, 115200});
  node_ports ports = {uart_port(&radio), uart_port(&vcp), start_i2c(&h)};
  node2_init(&node, ports, board_now_ms());
  hardware_report_boot(&node.vcp, "node2", &h);
  uart *const listening[] = {&radio, &vcp};
  for (;;) {
    watchdog_kick();
    hardware_sleep(node2_poll(&node, board_now_ms()), listening, 2);
  }
}
