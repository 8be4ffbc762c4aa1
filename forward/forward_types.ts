/**
 * What the rest of the gateway says to the forward Worker and hears from it.
 * Everything here is plain data: it crosses a thread by structured clone.
 */
import type { NormalizeRules } from "@/model/rules.ts";

/** How the other side proves who it is; PEM texts, not paths. */
export interface TlsOptions {
  /**
   * `verify` checks the certificate, `insecure` only encrypts, `off` does neither. `auto` follows
   * the URL: its scheme (`mqtts:`, `https:`), for PostgreSQL its `sslmode`, and without one `off` on
   * this machine and `verify` to any other.
   */
  mode: "auto" | "off" | "verify" | "insecure";
  /** Certificates to trust instead of the system's; null trusts those of the system. */
  ca: string | null;
}

/** Globs (`*` stands for any characters) of what goes to a destination; an empty list lets everything through. */
export interface FilterOptions {
  devices: string[];
  measurements: string[];
}

/** Settings that every destination has. */
export interface CommonOptions {
  /** Identity of its ledger. */
  name: string;
  /** Messages per write. */
  batchMessagesMax: number;
  /** How long a batch that is not full waits for company, ms. */
  lingerMs: number;
  /** One attempt takes no longer than this, ms. */
  timeoutMs: number;
  /** Messages older than this are not sent but counted `expired`, ms; null keeps all. */
  maxAgeMs: number | null;
  /** Given to the other side as its retention where it has one, ms; null leaves its own. */
  retentionMs: number | null;
  filter: FilterOptions;
  /** Name of this gateway: column, tag or mark of what is written; null leaves it out. */
  gatewayId: string | null;
  tls: TlsOptions;
}

export interface PostgresOptions extends CommonOptions {
  type: "postgres";
  /** `postgres://user:password@host:5432/database?search_path=iot&sslmode=verify-full` */
  url: string;
  /** Over the one in the URL; null takes that one. */
  password: string | null;
}

export interface InfluxOptions extends CommonOptions {
  type: "influxdb";
  url: string;
  org: string;
  bucket: string;
  token: string;
  /** Tag `location` of each point; null leaves it out. */
  location: string | null;
}

export interface MqttOptions extends CommonOptions {
  type: "mqtt";
  /** `mqtt://host:1883` or `mqtts://host:8883` */
  url: string;
  username: string | null;
  password: string | null;
  /** First level of every topic. */
  prefix: string;
  qos: 0 | 1 | 2;
  /** The same for ever, so that a second gateway with it is noticed. */
  clientId: string;
}

export type DestinationOptions = PostgresOptions | InfluxOptions | MqttOptions;
export type DestinationType = DestinationOptions["type"];

/**
 * The modes of a delivery. `forward/delivery_mode.ts` says how one follows from the other.
 */
export const DELIVERY_MODES = [
  "starting",
  "delivering",
  "lingering",
  "idle",
  "backing_off",
  "circuit_open",
  "probing",
  "paused",
  "waiting_for_clock",
  "stopping",
] as const;

export type DeliveryMode = (typeof DELIVERY_MODES)[number];

/** The last failure of a destination, as it is shown to the operator. */
export interface FailureReport {
  code: string;
  message: string;
  hint: string;
  /** ms since 1970 */
  atMs: number;
}

export interface DestinationStatus {
  name: string;
  type: DestinationType;
  mode: DeliveryMode;
  /** When the mode was entered, ms since 1970. */
  modeSinceMs: number;
  /** True after a success, false after a failure, null before the first attempt has ended. */
  up: boolean | null;
  /** Failed attempts since the last success. */
  failures: number;
  /** When the next attempt is made, ms since 1970; null when none is planned. */
  nextAttemptAtMs: number | null;
  lastFailure: FailureReport | null;
  /** ms since 1970 */
  lastSuccessAtMs: number | null;
}

/** One write to a destination, for metrics. */
export interface BatchReport {
  destination: string;
  seconds: number;
  /** Messages that the write was to carry. */
  messages: number;
  outcome: "accepted" | "partial" | "failed";
}

/** Answer to `destination test`. */
export interface TestReport {
  ok: boolean;
  /** What was found: version of the other side, what it lets us do. */
  detail: string;
  failure: Omit<FailureReport, "atMs"> | null;
  tookMs: number;
}

/** Something an operator should read; goes to the log. */
export interface Notice {
  /** null concerns all destinations. */
  destination: string | null;
  level: "info" | "warn" | "error";
  code: string;
  message: string;
  hint: string;
}

/** What the Worker needs before anything else. */
export interface WorkerSetup {
  /** Absolute path of the store's database; opened read-only. */
  databasePath: string;
  rules: NormalizeRules;
}

export type ForwardCommand =
  /** `port` (the store's forward port) is transferred with it. */
  | { type: "setup"; setup: WorkerSetup; port: MessagePort }
  | { type: "configure"; token: number; destinations: DestinationOptions[]; rules: NormalizeRules }
  /** Ends a wait for the next attempt at once. */
  | { type: "wake"; destination: string }
  | { type: "test"; token: number; options: DestinationOptions }
  | { type: "stop"; deadlineMs: number };

export type ForwardEvent =
  /** What has changed in the last moment: all statuses, and the batches written since. */
  | { type: "progress"; statuses: DestinationStatus[]; batches: BatchReport[] }
  | { type: "notice"; notice: Notice }
  | { type: "configured"; token: number }
  | { type: "tested"; token: number; report: TestReport }
  | { type: "stopped" };
