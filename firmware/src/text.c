#include "text.h"

text text_on(char *bytes, size_t size) {
  bytes[0] = 0;
  return (text){.bytes = bytes, .size = size};
}

void text_char(text *t, char c) {
  if (t->used + 1 >= t->size) {
    t->overflow = true;
    return;
  }
  t->bytes[t->used++] = c;
  t->bytes[t->used] = 0;
}

void text_add(text *t, const char *s) {
  while (*s) text_char(t, *s++);
}

void text_u64(text *t, uint64_t value) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  while (count) text_char(t, digits[--count]);
}

void text_u32(text *t, uint32_t value) { text_u64(t, value); }

void text_i32(text *t, int32_t value) {
  if (value < 0) text_char(t, '-');
  text_u32(t, value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

void text_hex32(text *t, uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4) {
    text_char(t, "0123456789abcdef"[(value >> shift) & 15]);
  }
}

static uint32_t power_of_ten(unsigned exponent) {
  uint32_t power = 1;
  while (exponent--) power *= 10;
  return power;
}

void text_fixed(text *t, int32_t value, unsigned decimals) {
  uint32_t magnitude = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
  uint32_t scale = power_of_ten(decimals);
  if (value < 0) text_char(t, '-');
  text_u32(t, magnitude / scale);
  if (decimals) text_char(t, '.');
  for (uint32_t rest = magnitude % scale; decimals; decimals--) {
    scale /= 10;
    text_char(t, (char)('0' + rest / scale));
    rest %= scale;
  }
}

void text_decimal(text *t, int32_t value, unsigned decimals) {
  while (decimals && value % 10 == 0) {
    value /= 10;
    decimals--;
  }
  text_fixed(t, value, decimals);
}

bool text_read_u32(const char **s, uint32_t max, uint32_t *value) {
  const char *at = *s;
  uint64_t sum = 0;
  while (*at >= '0' && *at <= '9') {
    sum = sum * 10 + (uint32_t)(*at++ - '0');
    if (sum > max) return false;
  }
  if (at == *s) return false;
  *s = at;
  *value = (uint32_t)sum;
  return true;
}

bool text_read_i32(const char **s, uint32_t max, int32_t *value) {
  const char *at = *s;
  bool negative = *at == '-';
  uint32_t magnitude;
  if (*at == '-' || *at == '+') at++;
  if (max > INT32_MAX || !text_read_u32(&at, max, &magnitude)) return false;
  *s = at;
  *value = negative ? -(int32_t)magnitude : (int32_t)magnitude;
  return true;
}

bool text_begins(const char *s, const char *prefix) {
  while (*prefix) {
    if (*s++ != *prefix++) return false;
  }
  return true;
}
