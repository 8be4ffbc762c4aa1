/* The registers of the STM32F446 that this firmware uses, from the reference manual RM0390. */
#ifndef REGISTERS_H
#define REGISTERS_H
#include <stdint.h>

typedef volatile uint32_t reg;

typedef struct {
  reg SR, DR, BRR, CR1, CR2, CR3, GTPR;
} usart_registers;

typedef struct {
  reg CR1, CR2, OAR1, OAR2, DR, SR1, SR2, CCR, TRISE, FLTR;
} i2c_registers;

typedef struct {
  reg CR1, CR2, SR, DR, CRCPR, RXCRCR, TXCRCR, I2SCFGR, I2SPR;
} spi_registers;

typedef struct {
  reg MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFRL, AFRH;
} gpio_registers;

typedef struct {
  reg CR, PLLCFGR, CFGR, CIR;
  reg AHB1RSTR, AHB2RSTR, AHB3RSTR, r0, APB1RSTR, APB2RSTR, r1, r2;
  reg AHB1ENR, AHB2ENR, AHB3ENR, r3, APB1ENR, APB2ENR, r4, r5;
  reg AHB1LPENR, AHB2LPENR, AHB3LPENR, r6, APB1LPENR, APB2LPENR, r7, r8;
  reg BDCR, CSR;
} rcc_registers;

typedef struct {
  reg ACR, KEYR, OPTKEYR, SR, CR, OPTCR;
} flash_registers;

typedef struct {
  reg KR, PR, RLR, SR;
} watchdog_registers;

typedef struct {
  reg CTRL, LOAD, VAL, CALIB;
} systick_registers;

#define USART1 ((usart_registers *)0x40011000u)
#define USART2 ((usart_registers *)0x40004400u)
#define USART3 ((usart_registers *)0x40004800u)
#define UART4 ((usart_registers *)0x40004C00u)
#define USART6 ((usart_registers *)0x40011400u)
#define I2C1 ((i2c_registers *)0x40005400u)
#define SPI2 ((spi_registers *)0x40003800u)
#define GPIOA ((gpio_registers *)0x40020000u)
#define GPIOB ((gpio_registers *)0x40020400u)
#define GPIOC ((gpio_registers *)0x40020800u)
#define RCC ((rcc_registers *)0x40023800u)
#define FLASH ((flash_registers *)0x40023C00u)
#define IWDG ((watchdog_registers *)0x40003000u)
#define SYSTICK ((systick_registers *)0xE000E010u)
#define NVIC_ISER ((reg *)0xE000E100u)
#define SCB_ICSR (*(reg *)0xE000ED04u)
#define SCB_AIRCR (*(reg *)0xE000ED0Cu)
#define SCB_SHCSR (*(reg *)0xE000ED24u)
#define SCB_CFSR (*(reg *)0xE000ED28u)
#define SCB_CPACR (*(reg *)0xE000ED88u)
#define PWR_CR (*(reg *)0x40007000u)
#define UNIQUE_ID ((const uint32_t *)0x1FFF7A10u)

enum {
  IRQ_USART1 = 37,
  IRQ_USART2 = 38,
  IRQ_USART3 = 39,
  IRQ_UART4 = 52,
  IRQ_USART6 = 71,
  IRQ_COUNT = 97,
};

static inline void interrupt_enable(unsigned irq) { NVIC_ISER[irq >> 5] = 1u << (irq & 31); }

static inline void wait_for_interrupt(void) { __asm__ volatile("wfi" ::: "memory"); }

static inline uint32_t interrupts_off(void) {
  uint32_t state;
  __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(state)::"memory");
  return state;
}

static inline void interrupts_restore(uint32_t state) {
  __asm__ volatile("msr primask, %0" ::"r"(state) : "memory");
}

#endif
