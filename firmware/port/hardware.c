#include "hardware.h"

#include "board.h"
#include "clock.h"
#include "event_log.h"
#include "panic.h"

enum {
  CR_HSE_ON = 1 << 16,
  CR_HSE_READY = 1 << 17,
  CR_HSE_BYPASS = 1 << 18,
  CR_PLL_ON = 1 << 24,
  CR_PLL_READY = 1 << 25,
  CFGR_SOURCE_PLL = 2,
  CLOCK_WAIT_LOOPS = 200000, /* some 50 ms at 16 MHz */
  ICSR_TICK_PENDING = 1 << 26,
  EMULATED_CORE_HZ = 168000000,
  SLOW_HZ = 16000000,
  FAST_HZ = 168000000,
};

static volatile uint32_t milliseconds;
static volatile uint32_t kicked_ms;
static uint32_t ticks_per_ms = 1;
static bool is_emulated;

uint32_t board_now_ms(void) { return milliseconds; }

/* The counter may have wrapped while its interrupt is still pending; the emulator can even be seen
 * between the two. Time that steps back by a tick would end every bounded wait at once. */
uint32_t board_now_us(void) {
  static uint32_t latest_us;
  uint32_t ms, ticks;
  bool pending;
  do {
    ms = milliseconds;
    pending = SCB_ICSR & ICSR_TICK_PENDING;
    ticks = SYSTICK->VAL;
  } while (ms != milliseconds || pending != !!(SCB_ICSR & ICSR_TICK_PENDING));
  uint32_t us = (ms + pending) * 1000 + (ticks_per_ms - 1 - ticks) / (ticks_per_ms / 1000);
  if (time_reached(us, latest_us)) latest_us = us;
  return latest_us;
}

/* The emulator has neither the id nor random numbers; its tick counter must do. */
uint32_t board_seed(void) {
  if (is_emulated) return 0x5EEDu ^ SYSTICK->VAL ^ milliseconds << 20;
  return UNIQUE_ID[0] ^ UNIQUE_ID[1] << 8 ^ UNIQUE_ID[2] << 16;
}

bool board_button_down(void) { return !is_emulated && !(GPIOC->IDR & (1u << 13)); }

void watchdog_kick(void) {
  kicked_ms = milliseconds;
  IWDG->KR = 0xAAAA;
}

/* The first watchdog knows where the program hangs; IWDG resets should even this tick be dead. */
__attribute__((used)) static void systick_body(const uint32_t *frame) {
  milliseconds++;
  if (milliseconds - kicked_ms > WATCHDOG_MS) panic_record("main loop does not return", frame);
}

__attribute__((naked)) void systick_handler(void) {
  __asm__ volatile("mov r0, sp\n b systick_body");
}

static bool wait_for_flag(const reg *at, uint32_t flag) {
  for (int i = 0; i < CLOCK_WAIT_LOOPS; i++) {
    if (*at & flag) return true;
  }
  return false;
}

/* 8 MHz from the debugger's clock output / 4 x 168 / 2 = 168 MHz; APB1 / 4, APB2 / 2. */
static bool start_pll(void) {
  RCC->CR |= CR_HSE_BYPASS;
  RCC->CR |= CR_HSE_ON;
  if (!wait_for_flag(&RCC->CR, CR_HSE_READY)) return false;
  RCC->APB1ENR |= 1u << 28;
  PWR_CR |= 3u << 14; /* voltage scale 1 */
  RCC->PLLCFGR = 4u | 168u << 6 | 0u << 16 | 1u << 22 | 7u << 24;
  RCC->CR |= CR_PLL_ON;
  if (!wait_for_flag(&RCC->CR, CR_PLL_READY)) return false;
  FLASH->ACR = 5u | 7u << 8; /* 5 wait states, prefetch and both caches */
  RCC->CFGR = 5u << 10 | 4u << 13;
  RCC->CFGR |= CFGR_SOURCE_PLL;
  return wait_for_flag(&RCC->CFGR, CFGR_SOURCE_PLL << 2);
}

static hardware start_clock(clock_choice choice) {
  /* After a reset the real register has the internal oscillator on; zero means that it is
   * missing. */
  if (RCC->CR == 0) return (hardware){EMULATED_CORE_HZ, 42000000, 84000000, true};
  if (choice == CLOCK_FAST && start_pll()) return (hardware){FAST_HZ, 42000000, 84000000, false};
  return (hardware){SLOW_HZ, SLOW_HZ, SLOW_HZ, false};
}

static void alternate(gpio_registers *port, unsigned pin, unsigned function) {
  reg *select = pin < 8 ? &port->AFRL : &port->AFRH;
  unsigned shift = (pin & 7) * 4;
  *select = (*select & ~(15u << shift)) | function << shift;
  port->MODER = (port->MODER & ~(3u << pin * 2)) | 2u << pin * 2;
  port->PUPDR = (port->PUPDR & ~(3u << pin * 2)) | 1u << pin * 2; /* an open line reads idle */
}

static void set_up_pins(void) {
  RCC->AHB1ENR |= 7u; /* ports A, B, C */
  /* SPI2, USART2, USART3, UART4, I2C1; USART1, USART6 */
  RCC->APB1ENR |= 1u << 14 | 1u << 17 | 1u << 18 | 1u << 19 | 1u << 21;
  RCC->APB2ENR |= 1u << 4 | 1u << 5;
  alternate(GPIOA, 0, 8), alternate(GPIOA, 1, 8);   /* UART4: radio */
  alternate(GPIOA, 2, 7), alternate(GPIOA, 3, 7);   /* USART2: virtual COM port */
  alternate(GPIOA, 9, 7), alternate(GPIOA, 10, 7);  /* USART1: frames */
  alternate(GPIOB, 10, 7), alternate(GPIOC, 5, 7);  /* USART3: Wi-Fi */
  GPIOB->OTYPER |= 3u << 8;
  alternate(GPIOB, 8, 4), alternate(GPIOB, 9, 4);   /* I2C1, open drain */
  alternate(GPIOB, 13, 5), alternate(GPIOB, 14, 5), alternate(GPIOB, 15, 5); /* SPI2: FRAM */
  GPIOB->BSRR = 1u << 12;                           /* its chip select, idle high */
  GPIOB->MODER = (GPIOB->MODER & ~(3u << 24)) | 1u << 24;
}

/* 32 kHz / 256: 8 s, twice the first watchdog. */
static void start_watchdogs(void) {
  kicked_ms = milliseconds;
  IWDG->KR = 0x5555;
  IWDG->PR = 6;
  IWDG->RLR = 1000;
  IWDG->KR = 0xCCCC;
}

hardware hardware_start(clock_choice choice) {
  hardware h = start_clock(choice);
  is_emulated = h.emulated;
  ticks_per_ms = h.core_hz / 1000;
  set_up_pins();
  SYSTICK->LOAD = ticks_per_ms - 1;
  SYSTICK->VAL = 0;
  SYSTICK->CTRL = 7;
  start_watchdogs();
  return h;
}

static bool byte_waiting(uart *const uarts[], unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    if (ring_used(&uarts[i]->rx)) return true;
  }
  return false;
}

void hardware_sleep(uint32_t wait_ms, uart *const uarts[], unsigned count) {
  uint32_t deadline = milliseconds + wait_ms;
  while (!time_reached(milliseconds, deadline)) {
    /* With interrupts off a byte that comes after the look still ends the wait. */
    uint32_t state = interrupts_off();
    bool waiting = byte_waiting(uarts, count);
    if (!waiting) wait_for_interrupt();
    interrupts_restore(state);
    if (waiting) return;
    watchdog_kick();
    if (board_button_down()) return;
  }
}

static const char *reset_cause(uint32_t boots) {
  uint32_t flags = RCC->CSR;
  RCC->CSR |= 1u << 24; /* forget them */
  if (flags & 1u << 29) return "watchdog";
  if (flags & 1u << 28) return "software";
  if (flags & 1u << 27) return "power";
  if (flags & 1u << 26) return "pin";
  return boots > 1 ? "warm" : "power";
}

static void report_panic(console *out, const panic_note *note) {
  char bytes[LOG_LINE_MAX];
  text line = text_on(bytes, sizeof bytes);
  text_add(&line, "[ERROR] last run ended in a panic: ");
  text_add(&line, note->reason);
  text_add(&line, ", pc=");
  text_hex32(&line, note->pc);
  text_add(&line, " lr=");
  text_hex32(&line, note->lr);
  text_add(&line, " cfsr=");
  text_hex32(&line, note->faults);
  text_counter(&line, "uptime_ms", note->uptime_ms);
  console_log(out, &line);
}

void hardware_report_boot(console *out, const char *name, const hardware *h) {
  char bytes[LOG_LINE_MAX];
  text line = text_on(bytes, sizeof bytes);
  panic_note note;
  uint32_t boots = panic_count_boot();
  bool panicked = panic_take(&note);
  const char *cause = reset_cause(boots);
  text_add(&line, "[INFO] ");
  text_add(&line, name);
  text_add(&line, " boot reset=");
  text_add(&line, cause);
  text_counter(&line, "boots", boots);
  text_counter(&line, "clock", h->core_hz);
  text_counter(&line, "emulated", h->emulated);
  text_counter(&line, "logged", event_log_boot(h->emulated, cause, panicked ? &note : NULL));
  console_log(out, &line);
  if (panicked) report_panic(out, &note);
}
