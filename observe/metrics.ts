/**
 * The gateway's own health numbers: the names of the contract, in one registry.
 *
 * Counters are moved by whoever sees the event. Gauges of a state (ledger, disk, connections) are set
 * by `Probe` functions right before a scrape is rendered, all from one snapshot, so that the ledger of
 * a scrape always adds up. Label values are bounded: never a device, a topic or a user's text.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { SOURCE_KINDS, type SourceKind } from "@/model/message.ts";
import type { Ledger } from "@/model/ledger.ts";

export type IngestOutcome = "accepted" | "duplicate" | "rejected" | "dropped";

const INGEST_OUTCOMES: readonly IngestOutcome[] = ["accepted", "duplicate", "rejected", "dropped"];
const QUEUE_STATES = ["enqueued", "in_flight", "dead"] as const;
const FORWARD_OUTCOMES = ["acked", "expired", "purged", "dropped"] as const;

// From a fast SSD (0.1 ms) to an SD card that stalls (seconds).
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/** Sets gauges from the state of a part; runs before each scrape is rendered. */
export type Probe = () => Promise<void> | void;

export class Metrics {
  readonly #registry = new Registry();
  readonly #probes: Probe[] = [];
  readonly #ingest = new Map<string, Counter.Internal>();

  readonly ingestMessages = this.#counter(
    "sluice_ingest_messages_total",
    "Messages by source and outcome.",
    ["source", "outcome"],
  );
  readonly ingestRejected = this.#counter(
    "sluice_ingest_rejected_total",
    "Rejected input by reason.",
    ["reason"],
  );
  readonly logLines = this.#counter(
    "sluice_source_log_lines_total",
    "Lines of a receiver that hold no packet: its own log.",
    ["source"],
  );
  readonly ingestAckSeconds = this.#histogram(
    "sluice_ingest_ack_seconds",
    "From the arrival of a message to its commit, when its acknowledgement is written.",
    SECONDS,
  );
  readonly commitSeconds = this.#histogram(
    "sluice_commit_seconds",
    "Duration of a group commit.",
    SECONDS,
  );
  readonly commitMessages = this.#histogram(
    "sluice_commit_messages",
    "Messages in a group commit.",
    BATCH_SIZES,
  );
  readonly forwardBatchSeconds = this.#histogram(
    "sluice_forward_batch_seconds",
    "Duration of a write to a destination.",
    SECONDS,
    ["destination"],
  );
  readonly ledgerAccepted = this.#gauge(
    "sluice_ledger_accepted_total",
    "Messages that a destination was given.",
    ["destination"],
  );
  readonly queueMessages = this.#gauge(
    "sluice_queue_messages",
    "Messages per destination and state.",
    ["destination", "state"],
  );
  readonly forwardMessages = this.#gauge(
    "sluice_forward_messages_total",
    "Settled messages per destination and outcome.",
    ["destination", "outcome"],
  );
  readonly queueOldest = this.#gauge(
    "sluice_queue_oldest_seconds",
    "Age of the oldest message that is not settled.",
    ["destination"],
  );
  readonly destinationUp = this.#gauge(
    "sluice_destination_up",
    "1 when the last exchange with the destination went well.",
    ["destination"],
  );
  readonly devices = this.#gauge("sluice_devices", "Devices by state.", ["state"]);
  readonly mqttConnections = this.#gauge("sluice_mqtt_connections", "Open MQTT connections.");
  readonly sourceDead = this.#gauge(
    "sluice_source_dead_letters",
    "Undecodable input that is kept.",
  );
  readonly diskFree = this.#gauge("sluice_disk_free_bytes", "Free space where the data rests.");
  readonly diskWritten = this.#gauge(
    "sluice_disk_written_bytes_total",
    "Bytes that this process caused to be written since it started.",
  );
  readonly certificateExpiry = this.#gauge(
    "sluice_certificate_expiry_seconds",
    "Time until a certificate ends; below zero it has.",
    ["certificate"],
  );
  readonly loopLag = this.#gauge(
    "sluice_event_loop_lag_seconds",
    "Longest delay of the event loop since the last scrape.",
  );
  readonly full = this.#gauge("sluice_store_full", "1 while new data is refused.");
  readonly clockTrusted = this.#gauge("sluice_clock_trusted", "1 when the wall clock is trusted.");
  readonly buildInfo = this.#gauge("sluice_build_info", "Constant 1.", [
    "version",
    "commit",
    "runtime",
  ]);

  constructor() {
    for (const source of SOURCE_KINDS) {
      for (const outcome of INGEST_OUTCOMES) {
        this.#ingest.set(source + outcome, this.ingestMessages.labels(source, outcome));
        this.ingestMessages.inc({ source, outcome }, 0);
      }
    }
  }

  /** Counts messages of one source; the hot path's way, without a label object per message. */
  countIngest(source: SourceKind, outcome: IngestOutcome, count = 1): void {
    this.#ingest.get(source + outcome)?.inc(count);
  }

  /** Writes one destination's ledger; forgotten destinations vanish with `resetLedgers`. */
  setLedger(ledger: Ledger, nowUs: number): void {
    const { destination } = ledger;
    this.ledgerAccepted.set({ destination }, ledger.accepted);
    const states = { enqueued: ledger.enqueued, in_flight: ledger.inFlight, dead: ledger.dead };
    for (const state of QUEUE_STATES) this.queueMessages.set({ destination, state }, states[state]);
    for (const outcome of FORWARD_OUTCOMES) {
      this.forwardMessages.set({ destination, outcome }, ledger[outcome]);
    }
    const age = ledger.oldestUs === null ? 0 : Math.max(0, (nowUs - ledger.oldestUs) / 1e6);
    this.queueOldest.set({ destination }, age);
  }

  resetLedgers(): void {
    this.ledgerAccepted.reset();
    this.queueMessages.reset();
    this.forwardMessages.reset();
    this.queueOldest.reset();
    this.destinationUp.reset();
  }

  addProbe(probe: Probe): void {
    this.#probes.push(probe);
  }

  /** Prometheus text, version 0.0.4. Totals are typed as counters although state sets them. */
  async render(): Promise<string> {
    for (const probe of this.#probes) await probe();
    const text = await this.#registry.metrics();
    return text.replace(/^# TYPE (\S+_total) gauge$/gm, "# TYPE $1 counter");
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[], labelNames: string[] = []): Histogram {
    return new Histogram({ name, help, buckets, labelNames, registers: [this.#registry] });
  }
}
