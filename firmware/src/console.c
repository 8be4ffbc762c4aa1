#include "console.h"

#include <string.h>

#include "board.h"

void console_init(console *c, byte_port port) {
  memset(c, 0, sizeof *c);
  c->port = port;
}

static const char *finish_line(console *c) {
  bool usable = c->count > 0 && !c->too_long;
  c->line[c->count] = 0;
  c->count = 0;
  c->too_long = false;
  return usable ? c->line : NULL;
}

const char *console_read(console *c) {
  int byte;
  while ((byte = port_read(&c->port)) >= 0) {
    if (byte == '\n' || byte == '\r') {
      const char *line = finish_line(c);
      if (line) return line;
    } else if (c->count == CONSOLE_LINE_MAX) {
      c->too_long = true;
    } else {
      c->line[c->count++] = (char)byte;
    }
  }
  return NULL;
}

void console_log(console *c, text *line) {
  text_char(line, '\n');
  if (line->overflow || !port_write(&c->port, line->bytes, line->used)) c->log_dropped++;
}

void console_say(console *c, const char *words) {
  char bytes[LOG_LINE_MAX];
  text line = text_on(bytes, sizeof bytes);
  text_add(&line, words);
  console_log(c, &line);
}

bool console_board_command(console *c, const char *line) {
  (void)c;
  if (!strcmp(line, "reset")) board_reset();
  if (!strcmp(line, "panic")) board_panic("asked for on the console");
  if (!strcmp(line, "hang")) {
    for (volatile int forever = 1; forever;) continue; /* the watchdog must end this */
  }
  return false;
}

void text_counter(text *t, const char *name, uint32_t value) {
  text_char(t, ' ');
  text_add(t, name);
  text_char(t, '=');
  text_u32(t, value);
}
