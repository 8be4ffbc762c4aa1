/* Lines typed on the virtual COM port, and the log lines that go out there. A log line that does
 * not fit is dropped and counted: nobody waits for a slow host. */
#ifndef CONSOLE_H
#define CONSOLE_H
#include "byte_port.h"
#include "text.h"

enum { CONSOLE_LINE_MAX = 128, LOG_LINE_MAX = 256 };

typedef struct {
  byte_port port;
  char line[CONSOLE_LINE_MAX + 1];
  uint8_t count;
  bool too_long;
  uint32_t log_dropped;
} console;

void console_init(console *c, byte_port port);

/* The next complete line, valid until the next call; NULL when there is none. */
const char *console_read(console *c);

/* Sends the text and a line feed, whole or not at all. */
void console_log(console *c, text *line);
void console_say(console *c, const char *line);

/* Commands that every node knows: reset, panic and hang (both to try the recovery). False when the
 * line is something else. */
bool console_board_command(console *c, const char *line);

/* " name=value" */
void text_counter(text *t, const char *name, uint32_t value);

#endif
