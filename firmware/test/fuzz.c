/* Fuzzing of everything that reads bytes from outside: `fuzz SEED COUNT`.
 *
 * Inputs are golden bytes, mutated and mixed, and plain noise. The sanitizers watch memory; checked
 * besides: what decodes encodes to the same bytes again, events do not depend on anything but the
 * bytes, counters and lengths stay in their bounds, and after any noise a good frame is understood
 * again. The seed of the failing round is printed. */
#include "check.h"
#include "console.h"
#include "crc.h"
#include "esp_parser.h"
#include "fake_board.h"
#include "frame_source.h"
#include "golden.h"
#include "mqtt_packet.h"
#include "settings.h"

#define COUNT(table) (sizeof table / sizeof table[0])
enum { INPUT_MAX = 4096 };

unsigned checks_made;
static uint32_t random_state, round_seed;
static uint8_t input[INPUT_MAX];
static size_t input_count;

static uint32_t draw(uint32_t limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state % limit;
}

#define MUST(condition)                                                            \
  do {                                                                             \
    checks_made++;                                                                 \
    if (!(condition)) {                                                            \
      fprintf(stderr, "seed %u: %s does not hold\n", round_seed, #condition);      \
      exit(1);                                                                     \
    }                                                                              \
  } while (0)

/* ---- inputs ---- */

static void append(const void *bytes, size_t count) {
  if (count > INPUT_MAX - input_count) count = INPUT_MAX - input_count;
  memcpy(input + input_count, bytes, count);
  input_count += count;
}

static void append_noise(void) {
  for (uint32_t left = draw(40); left; left--) {
    uint8_t byte = (uint8_t)draw(256);
    append(&byte, 1);
  }
}

static void mutate(void) {
  for (uint32_t left = draw(6); left && input_count; left--) {
    uint32_t at = draw((uint32_t)input_count);
    switch (draw(4)) {
      case 0:
        input[at] ^= (uint8_t)(1u << draw(8));
        break;
      case 1:
        input[at] = (uint8_t)draw(256);
        break;
      case 2: /* lost bytes */
        memmove(input + at, input + at + 1, input_count - at - 1);
        input_count--;
        break;
      default: /* doubled bytes */
        if (input_count == INPUT_MAX) break;
        memmove(input + at + 1, input + at, input_count - at);
        input_count++;
    }
  }
}

static const char *const esp_words[] = {
    "OK\r\n",
    "ERROR\r\n",
    "SEND OK\r\n",
    "CLOSED\r\n",
    "WIFI DISCONNECT\r\n",
    "> ",
    "+IPD,4:\x40\2\0\1",
    "+IPD,99999:",
    "+IPD,0:",
    "+IPD,:",
    "+CIPSNTPTIME:Sat Nov 21 02:42:12 2026\r\n",
    "+CIPSNTPTIME:Thu Jan 01 00:00:00 1970\r\n",
    "busy p...\r\n",
    "ready\r\n",
    "\r\n",
};

static const uint8_t mqtt_words[][5] = {{0x20, 2, 0, 0}, {0x40, 2, 0, 1},    {0xD0, 0},
                                        {0x20, 2, 1, 5}, {0x30, 3, 0, 0, 1}, 
                                        {0x20, 255, 255, 255, 9}};

static void append_word(void) {
  const char *word = esp_words[draw(COUNT(esp_words))];
  const golden_stream *s = &golden_streams[draw(COUNT(golden_streams))];
  switch (draw(4)) {
    case 0:
      append(s->bytes.at, s->bytes.count);
      break;
    case 1:
      append(word, strlen(word));
      break;
    case 2:
      append(mqtt_words[draw(COUNT(mqtt_words))], 5);
      break;
    default:
      append_noise();
  }
}

static void make_input(void) {
  input_count = 0;
  for (uint32_t words = draw(8); words; words--) append_word();
  mutate();
}

/* ---- targets ---- */

static void fuzz_modem(void) {
  rylr_parser p;
  rylr_event last = RYLR_NOTHING;
  rylr_parser_init(&p);
  for (size_t i = 0; i < input_count; i++) {
    last = rylr_parser_feed(&p, input[i], 0);
    if (last == RYLR_RECEIVED) MUST(p.payload_length > 0 && p.payload_length <= RYLR_PAYLOAD_MAX);
    MUST(p.line_count <= RYLR_LINE_MAX);
  }
  rylr_parser_idle(&p, PARSER_SILENCE_MS); /* whatever was begun is given up */
  static const char good[] = "+RCV=1,3,\r\n,,-20,7\r\n";
  for (size_t i = 0; i < sizeof good - 1; i++) last = rylr_parser_feed(&p, (uint8_t)good[i], 1000);
  MUST(last == RYLR_RECEIVED && p.payload_length == 3 && p.rssi == -20 && p.snr == 7);
}

static void fuzz_postcard(void) {
  sensor_packet packet;
  uint8_t frame[INPUT_MAX + CRC_BYTES];
  size_t body = draw((uint32_t)(input_count < 20 ? input_count + 1 : 20));
  memcpy(frame, input, body);
  uint16_t crc = crc16_ibm3740(frame, body); /* a good CRC, or nothing would get past it */
  frame[body] = (uint8_t)(crc >> 8);
  frame[body + 1] = (uint8_t)crc;
  sensor_frame_guess_seq(frame, body);
  if (sensor_frame_decode(frame, body + CRC_BYTES, &packet) == FRAME_OK) {
    uint8_t again[SENSOR_FRAME_MAX];
    sensor_packet decoded;
    size_t count = sensor_frame_encode(&packet, again);
    MUST(count <= body + CRC_BYTES); /* ours is the shortest form */
    MUST(sensor_frame_decode(again, count, &decoded) == FRAME_OK);
    MUST(decoded.seq == packet.seq && decoded.temperature_x10 == packet.temperature_x10);
    MUST(decoded.humidity_x100 == packet.humidity_x100 && decoded.gas_ohms == packet.gas_ohms);
  }
  ack_frame ack = ack_decode(input, input_count < 5 ? input_count : draw(5));
  MUST(ack.kind == ACK_NONE || ack.kind == ACK_ACCEPTED || ack.kind == ACK_REFUSED);
}

static void fuzz_random_packet(void) {
  sensor_packet p = {(uint16_t)draw(65536), (int16_t)(draw(65536) - 32768), (uint16_t)draw(65536),
                     draw(0xFFFFFFFF)};
  sensor_packet decoded;
  uint8_t frame[SENSOR_FRAME_MAX];
  size_t count = sensor_frame_encode(&p, frame);
  MUST(count <= SENSOR_FRAME_MAX);
  MUST(sensor_frame_decode(frame, count, &decoded) == FRAME_OK);
  MUST(decoded.seq == p.seq && decoded.temperature_x10 == p.temperature_x10);
  MUST(decoded.humidity_x100 == p.humidity_x100 && decoded.gas_ohms == p.gas_ohms);
}

static void fuzz_wifi(void) {
  esp_parser p;
  esp_parser_init(&p);
  for (size_t i = 0; i < input_count; i++) {
    esp_event event = esp_parser_feed(&p, input[i]);
    MUST(event <= ESP_LINE && p.count <= ESP_LINE_MAX && p.data_left <= ESP_DATA_MAX);
  }
  while (p.data_left) esp_parser_feed(&p, 0);
  esp_parser_feed(&p, '\n');
  MUST(esp_parser_feed(&p, 'O') == ESP_NOTHING && esp_parser_feed(&p, 'K') == ESP_NOTHING);
  MUST(esp_parser_feed(&p, '\r') == ESP_NOTHING && esp_parser_feed(&p, '\n') == ESP_OK);
}

static void fuzz_time(void) {
  char words[64] = "Sat Nov 21 02:42:12 2026";
  for (uint32_t changes = draw(4); changes; changes--) words[draw(24)] = (char)(1 + draw(127));
  uint32_t unix_s = esp_parse_time(words);
  MUST(unix_s == 0 || unix_s >= 1577836800u); /* 2020 */
}

static void fuzz_mqtt(void) {
  mqtt_reader r;
  bool broken = false;
  mqtt_reader_init(&r);
  for (size_t i = 0; i < input_count; i++) {
    mqtt_event event = mqtt_reader_feed(&r, input[i]);
    if (broken) MUST(event == MQTT_MALFORMED); /* nothing good comes after it */
    broken = event == MQTT_MALFORMED;
    MUST(r.body_count <= MQTT_BODY_MAX && r.remaining <= 268435455u);
    if (event == MQTT_PUBACK) MUST(r.packet_id != 0);
  }
}

static void fuzz_pictures(void) {
  fake_line line;
  frame_link link;
  int8_t pixels[NN_PIXELS];
  uint8_t frame[2 + NN_PIXELS + 2] = {0xC5, 0x5C};
  for (size_t i = 0; i < NN_PIXELS; i++) {
    frame[2 + i] = (uint8_t)draw(256);
    pixels[i] = (int8_t)(frame[2 + i] - 128);
  }
  uint16_t crc = crc16_ibm3740((const uint8_t *)pixels, NN_PIXELS);
  frame[2 + NN_PIXELS] = (uint8_t)(crc >> 8);
  frame[3 + NN_PIXELS] = (uint8_t)crc;
  fake_line_init(&line);
  frame_link_init(&link, fake_line_port(&line));
  frame_source source = frame_link_source(&link);
  size_t noise = input_count < 1000 ? input_count : 1000;
  fake_line_send(&line, input, noise);
  while (source.next(source.context)) continue;
  /* Noise may look like the beginning of a picture; two good ones later it is over. */
  const int8_t *got = NULL;
  for (int copy = 0; copy < 3 && !got; copy++) {
    fake_line_send(&line, frame, sizeof frame);
    got = source.next(source.context);
  }
  MUST(got && !memcmp(got, pixels, NN_PIXELS));
}

static void fuzz_settings(void) {
  char words[160] = {0};
  static const char *const names[] = {"ssid ", "broker ", "device ", "wifi_password ", "ntp ", ""};
  settings s = {.port = 1};
  strcpy(words, names[draw(COUNT(names))]);
  size_t at = strlen(words), count = input_count < 100 ? input_count : 100;
  memcpy(words + at, input, count);
  settings_set(&s, words);
  MUST(strnlen(s.ssid, 65) <= SETTINGS_TEXT_MAX && strnlen(s.broker, 65) <= SETTINGS_TEXT_MAX);
  MUST(strnlen(s.device, 65) <= SETTINGS_TEXT_MAX && s.port != 0);
}

static void fuzz_console(void) {
  fake_line line;
  console c;
  fake_line_init(&line);
  console_init(&c, fake_line_port(&line));
  fake_line_send(&line, input, input_count < 2000 ? input_count : 2000);
  const char *said;
  while ((said = console_read(&c))) MUST(said[0] == 0 || strlen(said) <= CONSOLE_LINE_MAX);
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: fuzz SEED COUNT\n"), 2;
  uint32_t first = (uint32_t)strtoul(argv[1], NULL, 10);
  uint32_t count = (uint32_t)strtoul(argv[2], NULL, 10);
  for (uint32_t i = 0; i < count; i++) {
    round_seed = first + i;
    random_state = round_seed * 2654435761u + 12345;
    if (random_state == 0) random_state = 1;
    make_input();
    fuzz_modem();
    fuzz_postcard();
    fuzz_random_packet();
    fuzz_wifi();
    fuzz_time();
    fuzz_mqtt();
    fuzz_pictures();
    fuzz_settings();
    fuzz_console();
  }
  printf("%u rounds from seed %u, %u checks\n", count, first, checks_made);
  return 0;
}
