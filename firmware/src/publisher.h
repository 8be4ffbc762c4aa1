/* Results from the queue to the gateway: MQTT 3.1.1, QoS 1, persistent session, one message in
 * flight, in order.
 *
 * CLOSED --uplink opens--> CONNECTING --CONNACK 0--> READY --publish--> UNCONFIRMED --PUBACK-->
 * READY A result leaves the queue with its PUBACK and not before. Anything that goes wrong closes
 * the connection; after the next CONNACK the same result is sent again, same bytes, same packet
 * identifier, marked as a duplicate [MQTT-4.4.0-1]. The identifier follows from seq, so that this
 * also holds over a reset. */
#ifndef PUBLISHER_H
#define PUBLISHER_H
#include "mqtt_packet.h"
#include "result_queue.h"
#include "uplink.h"

enum {
  PUBLISHER_KEEP_ALIVE_S = 60,
  PUBLISHER_PING_MS = 30000,
  PUBLISHER_ANSWER_MS = 10000,
  PUBLISHER_REFUSED_MS = 60000,
  PUBLISHER_PAYLOAD_MAX = 256,
};

typedef struct {
  uint32_t published; /* attempts */
  uint32_t repeated;  /* of these, sent before */
  uint32_t confirmed;
  uint32_t refused;   /* CONNACK with an error: look at device and secret */
  uint32_t unanswered;
  uint32_t malformed;
} publisher_counters;

typedef struct {
  uplink *link;
  result_queue *queue;
  const settings *to;
  const char *model_name;
  mqtt_reader reader;
  uint8_t state;
  uint8_t refused_code;
  uint32_t deadline;
  uint32_t last_sent_ms;
  uint32_t sending_seq;
  bool ping_waits; /* for its answer */
  publisher_counters counters;
} publisher;

void publisher_init(publisher *p, uplink *link, result_queue *queue, const settings *to,
                    const char *model_name);
void publisher_poll(publisher *p, uint32_t now);

/* Closes and connects anew at once: the settings have changed. */
void publisher_restart(publisher *p, uint32_t now);

/* The JSON of FORMATS section 4; time 0 is left out. */
void publisher_payload(text *out, const result *r, uint64_t time_ms, const char *model_name);

#endif
