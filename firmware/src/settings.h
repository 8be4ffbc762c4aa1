/* What node 3 must know about its network, kept in storage between the two heads of the queue and
 * its slots. Typed on the console, never sent back: passwords show as ***. */
#ifndef SETTINGS_H
#define SETTINGS_H
#include "storage.h"
#include "text.h"

enum { SETTINGS_AT = 256, SETTINGS_TEXT_MAX = 64 };

typedef struct {
  uint32_t magic;
  char ssid[SETTINGS_TEXT_MAX + 1];
  char wifi_password[SETTINGS_TEXT_MAX + 1];
  char broker[SETTINGS_TEXT_MAX + 1];
  char ntp[SETTINGS_TEXT_MAX + 1];
  char device[SETTINGS_TEXT_MAX + 1]; /* also the MQTT user name and client id */
  char secret[SETTINGS_TEXT_MAX + 1]; /* the MQTT password; empty: none is sent */
  uint16_t port;
  uint32_t crc;
} settings;

/* Stored settings, or the defaults: device node3, port 1883, pool.ntp.org, no network. */
void settings_load(settings *s, const storage *store);
bool settings_save(settings *s, const storage *store);

/* "ssid My network", "wifi_password ...", "broker 192.168.1.10:1883", "ntp ...", "device ...",
 * "secret ...". False when the name is unknown or the value does not fit. */
bool settings_set(settings *s, const char *line);

/* Whether enough is known to connect. */
bool settings_complete(const settings *s);

void settings_show(const settings *s, text *out);

#endif
