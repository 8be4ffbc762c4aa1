/* Checks that say what they compared, and the list of test suites. */
#ifndef CHECK_H
#define CHECK_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern unsigned checks_made;

#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(wanted, got) \
  check_equal((long long)(wanted), (long long)(got), #got, __FILE__, __LINE__)
#define CHECK_TEXT(wanted, got) check_text((wanted), (got), __FILE__, __LINE__)

static inline void check_that(int good, const char *what, const char *file, int line) {
  checks_made++;
  if (good) return;
  fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
  exit(1);
}

static inline void check_equal(long long wanted, long long got, const char *what, const char *file,
                               int line) {
  checks_made++;
  if (wanted == got) return;
  fprintf(stderr, "%s:%d: %s is %lld, wanted %lld\n", file, line, what, got, wanted);
  exit(1);
}

static inline void check_text(const char *wanted, const char *got, const char *file, int line) {
  checks_made++;
  if (!strcmp(wanted, got)) return;
  fprintf(stderr, "%s:%d: got    %s\n  wanted %s\n", file, line, got, wanted);
  exit(1);
}

#endif
