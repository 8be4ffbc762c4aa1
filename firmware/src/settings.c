#include "settings.h"

#include <string.h>

#include "crc.h"

enum { MAGIC = 0x53455431, RESERVED = 768, DEFAULT_PORT = 1883 };
_Static_assert(sizeof(settings) <= RESERVED, "settings end before the slots of the queue");

static void use_defaults(settings *s) {
  memset(s, 0, sizeof *s);
  s->magic = MAGIC;
  s->port = DEFAULT_PORT;
  strcpy(s->ntp, "pool.ntp.org");
  strcpy(s->device, "node3");
}

void settings_load(settings *s, const storage *store) {
  bool read = store->size && storage_read(store, SETTINGS_AT, s, sizeof *s);
  if (read && s->magic == MAGIC && s->crc == crc32_iso(s, offsetof(settings, crc))) return;
  use_defaults(s);
}

bool settings_save(settings *s, const storage *store) {
  s->crc = crc32_iso(s, offsetof(settings, crc));
  return store->size && storage_write(store, SETTINGS_AT, s, sizeof *s);
}

/* A value is printable text: it ends up in commands and in a topic. */
static bool is_plain(const char *value) {
  size_t count = strlen(value);
  for (size_t i = 0; i < count; i++) {
    if (value[i] < 0x20 || value[i] > 0x7E) return false;
  }
  return count <= SETTINGS_TEXT_MAX;
}

static bool is_device_id(const char *value) {
  for (; *value; value++) {
    bool letter = (*value >= 'a' && *value <= 'z') || (*value >= 'A' && *value <= 'Z');
    bool other = (*value >= '0' && *value <= '9') || *value == '-' || *value == '_';
    if (!letter && !other) return false;
  }
  return true;
}

static bool set_broker(settings *s, const char *value) {
  const char *colon = strrchr(value, ':');
  uint32_t port = DEFAULT_PORT;
  if (colon) {
    const char *at = colon + 1;
    if (!text_read_u32(&at, 65535, &port) || *at || port == 0) return false;
  }
  size_t count = colon ? (size_t)(colon - value) : strlen(value);
  if (count == 0 || count > SETTINGS_TEXT_MAX) return false;
  memcpy(s->broker, value, count);
  s->broker[count] = 0;
  s->port = (uint16_t)port;
  return true;
}

static char *field_of(settings *s, const char *name, size_t count) {
  const struct {
    const char *name;
    char *field;
  } fields[] = {{"ssid", s->ssid},     {"wifi_password", s->wifi_password}, {"ntp", s->ntp},
                {"device", s->device}, {"secret", s->secret}};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    if (strlen(fields[i].name) == count && !memcmp(fields[i].name, name, count)) {
      return fields[i].field;
    }
  }
  return NULL;
}

bool settings_set(settings *s, const char *line) {
  const char *space = strchr(line, ' ');
  size_t count = space ? (size_t)(space - line) : strlen(line);
  const char *value = space ? space + 1 : "";
  if (!is_plain(value)) return false;
  if (count == 6 && !memcmp(line, "broker", 6)) return set_broker(s, value);
  char *field = field_of(s, line, count);
  if (!field || (field == s->device && (!*value || !is_device_id(value)))) return false;
  strcpy(field, value);
  return true;
}

bool settings_complete(const settings *s) { return s->ssid[0] && s->broker[0] && s->device[0]; }

void settings_show(const settings *s, text *out) {
  text_add(out, "settings ssid=");
  text_add(out, s->ssid);
  text_add(out, s->wifi_password[0] ? " wifi_password=***" : " wifi_password=");
  text_add(out, " broker=");
  text_add(out, s->broker);
  text_char(out, ':');
  text_u32(out, s->port);
  text_add(out, " ntp=");
  text_add(out, s->ntp);
  text_add(out, " device=");
  text_add(out, s->device);
  text_add(out, s->secret[0] ? " secret=***" : " secret=");
}
