/* Bounded text building without printf, floats or allocation. */
#ifndef TEXT_H
#define TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  char *bytes; /* always zero-terminated */
  size_t size;
  size_t used;
  bool overflow; /* something did not fit; what is there is a prefix */
} text;

text text_on(char *bytes, size_t size);
void text_char(text *t, char c);
void text_add(text *t, const char *s);
void text_u32(text *t, uint32_t value);
void text_u64(text *t, uint64_t value);
void text_i32(text *t, int32_t value);
void text_hex32(text *t, uint32_t value);

/* value / 10^decimals in its shortest form: (2730, 2) -> 27.3, (2600, 2) -> 26, (-5, 1) -> -0.5 */
void text_decimal(text *t, int32_t value, unsigned decimals);
/* The same with all its decimals: (2730, 2) -> 27.30 */
void text_fixed(text *t, int32_t value, unsigned decimals);

/* Reads digits at *s into *value and moves *s on; false when there is none or it exceeds max. */
bool text_read_u32(const char **s, uint32_t max, uint32_t *value);
/* The same with an optional sign, within +-max. */
bool text_read_i32(const char **s, uint32_t max, int32_t *value);
/* Whether s begins with prefix. */
bool text_begins(const char *s, const char *prefix);

#endif
