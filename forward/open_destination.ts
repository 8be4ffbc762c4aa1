import type { Destination, DestinationEvents } from "@/forward/destination.ts";
import type { DestinationOptions } from "@/forward/forward_types.ts";
import { InfluxDestination } from "@/forward/influxdb.ts";
import { MqttDestination } from "@/forward/mqtt.ts";
import { PostgresDestination } from "@/forward/postgres.ts";

/** The destination of these options; it connects with its first `prepare`. */
export function openDestination(
  options: DestinationOptions,
  events: DestinationEvents,
): Destination {
  switch (options.type) {
    case "postgres":
      return new PostgresDestination(options, events);
    case "influxdb":
      return new InfluxDestination(options, events);
    case "mqtt":
      return new MqttDestination(options, events);
  }
}
