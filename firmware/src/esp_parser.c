#include "esp_parser.h"

#include <string.h>

#include "text.h"

enum { FIRST_YEAR = 2020, LAST_YEAR = 2105 };

void esp_parser_init(esp_parser *p) { memset(p, 0, sizeof *p); }

static int month_of(const char *name) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (int i = 0; i < 12; i++) {
    if (!memcmp(months + 3 * i, name, 3)) return i + 1;
  }
  return 0;
}

static uint32_t days_before(uint32_t year, int month, uint32_t day) {
  static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  uint32_t past = year - 1;
  uint32_t days = past * 365 + past / 4 - past / 100 + past / 400 - 719162; /* to 1970-01-01 */
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days + before[month - 1] + (leap && month > 2) + day - 1;
}

static bool take(const char **at, char wanted) {
  if (**at != wanted) return false;
  (*at)++;
  return true;
}

uint32_t esp_parse_time(const char *words) {
  uint32_t day, hour, minute, second, year;
  if (strlen(words) < 20) return 0;
  int month = month_of(words + 4);
  const char *at = words + 8;
  if (words[3] != ' ' || words[7] != ' ' || month == 0) return 0;
  take(&at, ' '); /* some versions pad the day with a blank */
  bool good = text_read_u32(&at, 31, &day) && take(&at, ' ') && text_read_u32(&at, 23, &hour) &&
              take(&at, ':') && text_read_u32(&at, 59, &minute) && take(&at, ':') &&
              text_read_u32(&at, 60, &second) && take(&at, ' ') &&
              text_read_u32(&at, LAST_YEAR, &year) && *at == 0 && day > 0;
  if (!good || year < FIRST_YEAR) return 0;
  return ((days_before(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
}

static esp_event classify(esp_parser *p) {
  static const struct {
    const char *line;
    esp_event event;
  } exact[] = {{"OK", ESP_OK},          {"ERROR", ESP_FAILED},         {"FAIL", ESP_FAILED},
               {"SEND OK", ESP_SENT},   {"SEND FAIL", ESP_FAILED},     {"CLOSED", ESP_CLOSED},
               {"ready", ESP_READY},    {"WIFI DISCONNECT", ESP_OFFLINE}};
  static const char time_prefix[] = "+CIPSNTPTIME:";
  for (unsigned i = 0; i < sizeof exact / sizeof exact[0]; i++) {
    if (!strcmp(p->line, exact[i].line)) return exact[i].event;
  }
  if (text_begins(p->line, "busy ")) return ESP_BUSY;
  if (!text_begins(p->line, time_prefix)) return ESP_LINE;
  p->unix_s = esp_parse_time(p->line + sizeof time_prefix - 1);
  return ESP_TIME;
}

static void restart(esp_parser *p) {
  p->count = 0;
  p->line[0] = 0;
  p->too_long = false;
}

static esp_event end_line(esp_parser *p) {
  if (p->count && p->line[p->count - 1] == '\r') p->line[--p->count] = 0;
  bool usable = p->count > 0 && !p->too_long;
  esp_event event = usable ? classify(p) : ESP_NOTHING;
  restart(p);
  return event;
}

static bool begin_data(esp_parser *p) {
  const char *at = p->line + 5;
  uint32_t count;
  if (p->too_long || !text_begins(p->line, "+IPD,")) return false;
  if (!text_read_u32(&at, ESP_DATA_MAX, &count) || *at) return false;
  p->data_left = (uint16_t)count;
  restart(p);
  return true;
}

esp_event esp_parser_feed(esp_parser *p, uint8_t byte) {
  if (p->data_left) {
    p->data_left--;
    p->byte = byte;
    return ESP_DATA;
  }
  if (byte == '\n') return end_line(p);
  if (byte == '>' && p->count == 0) return ESP_PROMPT;
  if (byte == ' ' && p->count == 0) return ESP_NOTHING; /* after the prompt */
  if (byte == ':' && begin_data(p)) return ESP_NOTHING;
  if (p->count == ESP_LINE_MAX) {
    p->too_long = true;
    return ESP_NOTHING;
  }
  p->line[p->count++] = byte ? (char)byte : '?';
  p->line[p->count] = 0;
  return ESP_NOTHING;
}
