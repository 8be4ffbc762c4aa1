/* The JSON line that the gateway reads, one per packet:
 * {"ts":194500,"id":"N2","n1":{"t":28.3,"h":52.6,"g":461235},"n2":{"t":27.8,"h":48.8},
 *  "sig":{"rssi":-32,"snr":12},"sts":{"rx":1,"err":0,...}} and a line feed.
 * What was not measured is absent: a packet without gas sensor has no "g". */
#ifndef GATEWAY_LINE_H
#define GATEWAY_LINE_H
#include "link_receiver.h"
#include "text.h"

enum { GATEWAY_LINE_MAX = 320, GATEWAY_TIME_STEP_MS = 500 };

typedef struct {
  bool has_temperature, has_humidity, has_pressure;
  int32_t temperature_x100; /* degrees Celsius x 100 */
  int32_t humidity_x100;    /* percent x 100 */
  int32_t pressure_pa;
} own_climate;

typedef struct {
  uint32_t uptime_ms;
  sensor_packet packet;
  own_climate own;
  int16_t rssi, snr;
  receiver_counters link;
  radio_counters radio;
} gateway_report;

void gateway_line(text *out, const gateway_report *report);

#endif
