import type { DeliveryView } from "@/model/live_events.ts";

/** What the page "System" shows, and reads again while it is open. */
export interface SystemData {
  system: SystemView;
  delivery: Pick<
    DeliveryView,
    "durability" | "full" | "queuedBytes" | "queueBytesMax" | "writtenBytesPerDay" | "commitP99Ms"
  >;
  history: {
    /** Of the database file, and what is free inside it. */
    fileBytes: number;
    freeBytes: number;
    /** Messages of the log that can still be read. */
    messages: number;
    series: number;
    devices: number;
    /** Event time of the oldest hour that is kept, ms since 1970. */
    fromMs: number | null;
  };
}

/** The process and the machine. */
export interface SystemView {
  atMs: number;
  startedAtMs: number;
  version: string;
  commit: string;
  /** `deno 2.9.5` */
  runtime: string;
  /** `linux aarch64` */
  platform: string;
  pid: number;
  /** `ready`, `full`, … */
  status: string;
  notes: string[];
  memory: { rssBytes: number; heapUsedBytes: number; heapTotalBytes: number };
  /** Share of one core in the last seconds, 0…; null before there is one. */
  cpuShare: number | null;
  /** How late timers came, worst of each of the last seconds, ms, oldest first. */
  loopLagMs: number[];
  mqttConnections: number;
  /** Readers of event streams of the API, and open pages. */
  streams: number;
  pages: number;
  /** Of the file system of the data folder; null where it may not be asked. */
  disk: { freeBytes: number; totalBytes: number } | null;
  /** Below this new data is refused. */
  diskFloorBytes: number;
  clockTrusted: boolean;
  /** Set when a damaged database was moved aside at the start. */
  salvaged: { movedTo: string; damage: string; recovered: number; lost: number | null } | null;
}
