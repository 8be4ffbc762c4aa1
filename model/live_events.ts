/** What `GET /api/live` tells the pages: the shapes of its events' data. */

import type { Ledger } from "@/model/ledger.ts";
import type { Prediction } from "@/model/reading.ts";

/** Event `readings`: what the series that a page follows came to since the last one. */
export interface LiveReadings {
  series: LiveSeries[];
}

export interface LiveSeries {
  device: string;
  measurement: string;
  unit: string | null;
  /** Event time of the newest value, ms since 1970. */
  atMs: number;
  /** The newest value by event time; min, max and count of all values of the moment. */
  value: number;
  min: number;
  max: number;
  count: number;
  flags: string[];
}

/** Event `prediction`. */
export interface LivePrediction extends Omit<Prediction, "at" | "debug"> {
  messageId: string;
  /** Event time, ms since 1970. */
  atMs: number;
}

/** Event `hello`, the first one. Another process or build: the page loads itself again. */
export interface LiveHello {
  /** Of this process: ms since 1970. */
  startedAtMs: number;
  buildId: string;
}

/** Event `delivery`, every second: the flow picture. */
export interface DeliveryView {
  atMs: number;
  /** Accepted messages a second, by source that ever sent something. */
  sources: { source: string; perSecond: number }[];
  /** 99th percentile of commits in the last minutes, ms; null before the first. */
  commitP99Ms: number | null;
  durability: "full" | "relaxed";
  /** Why new data is refused; null while it is taken. */
  full: string | null;
  queuedBytes: number;
  queueBytesMax: number;
  /** Database and its WAL. */
  diskBytes: number;
  /** Of the file system and inside the database file; null where it may not be asked. */
  freeBytes: number | null;
  /** Written to disk at the rate of the last minutes, for a day. */
  writtenBytesPerDay: number | null;
  sourceDead: number;
  destinations: DestinationView[];
}

/** Its ledger, by name and age, with what its state machine says. */
export interface DestinationView extends Omit<Ledger, "destination" | "oldestUs"> {
  name: string;
  /** `postgres`, `influxdb`, `mqtt`; null when it is no longer configured. */
  type: string | null;
  /** Mode of its state machine, as in `sluice destination list`. */
  mode: string | null;
  up: boolean | null;
  /** Age of the oldest message that waits; null with none. */
  oldestMs: number | null;
  perSecond: number;
  /** At the present rate; null when nothing waits or nothing moves. */
  toEmptyMs: number | null;
  lastError: { message: string; hint: string; atMs: number } | null;
  nextAttemptAtMs: number | null;
  lastSuccessAtMs: number | null;
}
