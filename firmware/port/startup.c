/* Reset, vectors, faults. */
#include "panic.h"
#include "registers.h"

extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end, _stack_limit, _stack_top;
int main(void);
void systick_handler(void);

enum { STACK_PAINT = 0x5AFE57AC };

/* Painted from the end of the data to just below the present frame; the deepest word that lost its
 * paint is the high-water mark. */
static inline void paint_stack(void) {
  uint32_t *here;
  __asm__ volatile("mov %0, sp" : "=r"(here));
  for (uint32_t *word = &_stack_limit; word < here - 8; word++) *word = STACK_PAINT;
}

uint32_t board_stack_used(void) {
  const uint32_t *word = &_stack_limit;
  while (word < &_stack_top && *word == STACK_PAINT) word++;
  return (uint32_t)((uintptr_t)&_stack_top - (uintptr_t)word);
}

_Noreturn void reset_handler(void) {
  SCB_CPACR |= 0xFu << 20; /* the compiler may use FPU registers anywhere */
  __asm__ volatile("dsb\n isb");
  paint_stack();
  for (uint32_t *from = &_data_load, *to = &_data_start; to < &_data_end;) *to++ = *from++;
  for (uint32_t *to = &_bss_start; to < &_bss_end;) *to++ = 0;
  SCB_SHCSR |= 7u << 16; /* memory, bus and usage faults have handlers of their own */
  main();
  panic_record("main returned", NULL);
}

/* The frame that the hardware pushed: r0-r3, r12, lr, pc, psr. Only the main stack is used. */
#define FAULT_HANDLER(name, words)                                       \
  __attribute__((used)) static void name##_body(const uint32_t *frame) { \
    panic_record(words, frame);                                          \
  }                                                                      \
  __attribute__((naked)) static void name(void) {                        \
    __asm__ volatile("mov r0, sp\n b " #name "_body");                   \
  }

FAULT_HANDLER(hard_fault, "hard fault")
FAULT_HANDLER(memory_fault, "memory fault")
FAULT_HANDLER(bus_fault, "bus fault")
FAULT_HANDLER(usage_fault, "usage fault")
FAULT_HANDLER(stray_interrupt, "interrupt without a handler")

void usart1_handler(void) __attribute__((weak, alias("stray_interrupt")));
void usart2_handler(void) __attribute__((weak, alias("stray_interrupt")));
void usart3_handler(void) __attribute__((weak, alias("stray_interrupt")));
void uart4_handler(void) __attribute__((weak, alias("stray_interrupt")));
void usart6_handler(void) __attribute__((weak, alias("stray_interrupt")));

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const vector vectors[16 + IRQ_COUNT] = {
    [0] = (vector)(uintptr_t)&_stack_top,
    [1] = reset_handler,
    [2] = hard_fault, /* NMI */
    [3] = hard_fault,
    [4] = memory_fault,
    [5] = bus_fault,
    [6] = usage_fault,
    [11 ... 14] = stray_interrupt,
    [15] = systick_handler,
    [16 ... 16 + IRQ_USART1 - 1] = stray_interrupt,
    [16 + IRQ_USART1] = usart1_handler,
    [16 + IRQ_USART2] = usart2_handler,
    [16 + IRQ_USART3] = usart3_handler,
    [16 + IRQ_USART3 + 1 ... 16 + IRQ_UART4 - 1] = stray_interrupt,
    [16 + IRQ_UART4] = uart4_handler,
    [16 + IRQ_UART4 + 1 ... 16 + IRQ_USART6 - 1] = stray_interrupt,
    [16 + IRQ_USART6] = usart6_handler,
    [16 + IRQ_USART6 + 1 ... 16 + IRQ_COUNT - 1] = stray_interrupt,
};
