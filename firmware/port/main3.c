/* Node 3 on the board: USART3 Wi-Fi modem, USART2 virtual COM port, USART1 pictures, SPI2 FRAM. */
#include "board.h"
#include "fram.h"
#include "hardware.h"
#include "node3.h"
#include "spi.h"
#include "tunnel.h"

UART_WITH_RINGS(wifi, 4096, 1024);
UART_WITH_RINGS(vcp, 512, 4096);
UART_WITH_RINGS(pictures, 2048, 64);
UART_WITH_RINGS(bus, 1024, 1024);

void usart3_handler(void) { uart_interrupt(&wifi); }
void usart2_handler(void) { uart_interrupt(&vcp); }
void usart1_handler(void) { uart_interrupt(&pictures); }
void usart6_handler(void) { uart_interrupt(&bus); }

static node3 node;
static spi_bus spi;

static void start_spi(const hardware *h) {
  if (!h->emulated) {
    spi = spi_start(h->apb1_hz);
    return;
  }
  uart_init(&bus, (uart_setup){USART6, IRQ_USART6, h->apb2_hz, 115200});
  tunnel_start(&bus);
  spi = tunnel_spi();
}

static uint32_t run_pass(void) {
  uint32_t start = board_now_us(), waited = tunnel_waited_us();
  uint32_t wait = node3_poll(&node, board_now_ms());
  node3_note_pass(&node, board_now_us() - start - (tunnel_waited_us() - waited));
  return wait;
}

int main(void) {
  hardware h = hardware_start(CLOCK_FAST);
  uart_init(&wifi, (uart_setup){USART3, IRQ_USART3, h.apb1_hz, 115200});
  uart_init(&vcp, (uart_setup){USART2, IRQ_USART2, h.apb1_hz, 115200});
  uart_init(&pictures, (uart_setup){USART1, IRQ_USART1, h.apb2_hz, 115200});
  start_spi(&h);
  node3_init(&node, (node3_ports){uart_port(&wifi), uart_port(&vcp), uart_port(&pictures),
                                  fram_open(&spi)});
  hardware_report_boot(&node.vcp, "node3", &h);
  uart *const listening[] = {&wifi, &vcp, &pictures};
  for (;;) {
    watchdog_kick();
    hardware_sleep(run_pass(), listening, 3);
  }
}
