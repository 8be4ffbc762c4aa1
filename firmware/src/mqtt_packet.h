/* The part of MQTT 3.1.1 that a publisher at QoS 1 needs: CONNECT, PUBLISH, PINGREQ out; CONNACK,
 * PUBACK, PINGRESP in. Clause numbers are those of the specification. */
#ifndef MQTT_PACKET_H
#define MQTT_PACKET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MQTT_BODY_MAX = 8, MQTT_LENGTH_BYTES_MAX = 4 };

typedef enum {
  MQTT_NOTHING,
  MQTT_CONNACK,  /* session_present, code */
  MQTT_PUBACK,   /* packet_id */
  MQTT_PINGRESP,
  MQTT_OTHER,    /* a well-formed packet that we did not ask for; skipped */
  MQTT_MALFORMED /* the connection must be closed [MQTT-4.8.0-1] */
} mqtt_event;

typedef struct {
  uint8_t state;
  uint8_t type_and_flags;
  uint8_t length_bytes;
  uint32_t remaining; /* of the body */
  uint8_t body[MQTT_BODY_MAX];
  uint8_t body_count;
  bool session_present;
  uint8_t code;
  uint16_t packet_id;
} mqtt_reader;

void mqtt_reader_init(mqtt_reader *r);

/* Takes one byte and says what it completed. */
mqtt_event mqtt_reader_feed(mqtt_reader *r, uint8_t byte);

typedef struct {
  const char *client_id; /* not empty: the session is persistent [MQTT-3.1.3-8] */
  const char *username;  /* NULL: none */
  const char *password;  /* NULL: none */
  uint16_t keep_alive_s;
} mqtt_connect;

/* Each writes a whole packet and returns its length, 0 when it does not fit. */
size_t mqtt_encode_connect(const mqtt_connect *c, uint8_t *out, size_t size);

typedef struct {
  const char *topic;
  const char *payload;
  uint16_t packet_id; /* not 0 [MQTT-2.3.1-1] */
  bool duplicate;     /* sent before [MQTT-3.3.1-1] */
} mqtt_publish;

size_t mqtt_encode_publish(const mqtt_publish *p, uint8_t *out, size_t size);
size_t mqtt_encode_pingreq(uint8_t *out, size_t size);

#endif
