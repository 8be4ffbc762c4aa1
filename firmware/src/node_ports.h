/* The lines and the bus that a radio node is given. */
#ifndef NODE_PORTS_H
#define NODE_PORTS_H
#include "byte_port.h"
#include "i2c_bus.h"

typedef struct {
  byte_port modem;
  byte_port vcp;
  i2c_bus i2c;
} node_ports;

#endif
