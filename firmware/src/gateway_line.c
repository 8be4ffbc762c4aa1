#include "gateway_line.h"

static void key(text *out, const char *name, bool first) {
  if (!first) text_char(out, ',');
  text_char(out, '"');
  text_add(out, name);
  text_add(out, "\":");
}

static void number(text *out, const char *name, uint32_t value) {
  key(out, name, false);
  text_u32(out, value);
}

static void remote_node(text *out, const sensor_packet *p) {
  text_add(out, ",\"n1\":{\"t\":");
  text_decimal(out, p->temperature_x10, 1);
  key(out, "h", false);
  text_decimal(out, p->humidity_x100, 2);
  if (p->gas_ohms) number(out, "g", p->gas_ohms);
  text_char(out, '}');
}

static int32_t rounded_tenths(int32_t x100) { return (x100 + (x100 < 0 ? -5 : 5)) / 10; }

static void own_node(text *out, const own_climate *own) {
  text_add(out, ",\"n2\":{");
  bool first = true;
  if (own->has_temperature) {
    key(out, "t", first);
    text_decimal(out, rounded_tenths(own->temperature_x100), 1);
    first = false;
  }
  if (own->has_humidity) {
    key(out, "h", first);
    text_decimal(out, own->humidity_x100, 2);
    first = false;
  }
  if (own->has_pressure) {
    key(out, "p", first);
    text_decimal(out, own->pressure_pa, 2);
  }
  text_char(out, '}');
}

static void statistics(text *out, const receiver_counters *link, const radio_counters *radio) {
  text_add(out, ",\"sts\":{\"rx\":");
  text_u32(out, link->received);
  number(out, "err", link->crc_errors);
  number(out, "frm", radio->framing_errors);
  number(out, "dec", link->decode_errors);
  number(out, "mod", radio->modem_errors);
  number(out, "dup", link->duplicates);
  number(out, "gap", link->gaps);
  text_char(out, '}');
}

void gateway_line(text *out, const gateway_report *r) {
  text_add(out, "{\"ts\":");
  text_u32(out, r->uptime_ms / GATEWAY_TIME_STEP_MS * GATEWAY_TIME_STEP_MS);
  text_add(out, ",\"id\":\"N2\"");
  remote_node(out, &r->packet);
  own_node(out, &r->own);
  text_add(out, ",\"sig\":{\"rssi\":");
  text_i32(out, r->rssi);
  text_add(out, ",\"snr\":");
  text_i32(out, r->snr);
  text_char(out, '}');
  statistics(out, &r->link, &r->radio);
  text_add(out, "}\n");
}
