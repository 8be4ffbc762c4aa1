/* Bytes from an ESP-AT Wi-Fi modem to events. Lines end with CR LF; the prompt "> " comes without
 * one; +IPD,<n>: is followed by n raw bytes. */
#ifndef ESP_PARSER_H
#define ESP_PARSER_H
#include <stdbool.h>
#include <stdint.h>

enum { ESP_LINE_MAX = 96, ESP_DATA_MAX = 2920 };

typedef enum {
  ESP_NOTHING,
  ESP_OK,
  ESP_FAILED,  /* ERROR, FAIL, SEND FAIL */
  ESP_BUSY,    /* busy p..., busy s... */
  ESP_PROMPT,
  ESP_SENT,    /* SEND OK */
  ESP_CLOSED,  /* the connection is gone */
  ESP_OFFLINE, /* Wi-Fi is gone */
  ESP_READY,   /* the modem has restarted */
  ESP_DATA,    /* one byte of the connection, in `byte` */
  ESP_TIME,    /* unix_s */
  ESP_LINE,    /* anything else */
} esp_event;

typedef struct {
  char line[ESP_LINE_MAX + 1];
  uint8_t count;
  bool too_long;
  uint16_t data_left;
  uint8_t byte;
  uint32_t unix_s;
} esp_parser;

void esp_parser_init(esp_parser *p);
esp_event esp_parser_feed(esp_parser *p, uint8_t byte);

/* "Thu Jan 01 00:00:00 1970" (UTC) to Unix seconds; 0 when it is not such a time or before 2020,
 * which is what the modem tells until it has asked a server. */
uint32_t esp_parse_time(const char *words);

#endif
