/** The flow picture in numbers: what comes in, how it is committed, where it stands. */
import type { DeliveryView, DestinationView } from "@/model/live_events.ts";
import { RecentRates } from "@/runtime/recent_rates.ts";
import type { DestinationStatus } from "@/routes/api/queue.ts";
import type { Store } from "@/store/store_types.ts";

const COMMITS = 1_000;
const WRITTEN_EVERY_MS = 60_000;
/** Of an hour. */
const WRITTEN_SAMPLES = 60;
const DAY_MS = 86_400_000;

export interface DeliveryViewParts {
  store: Pick<Store, "state" | "onCommitted" | "snapshot">;
  destinations: () => Promise<DestinationStatus[]>;
  /** When a destination took something last, ms since 1970. */
  lastSuccessAtMs: (name: string) => number | null;
  drainRates: RecentRates;
  queueBytesMax: () => number;
  /** Of this process, ever; null where the system does not say. */
  bytesWritten: () => Promise<number | null>;
  /** ms since 1970 */
  now: () => number;
  monotonic: () => number;
}

export class DeliveryViews {
  readonly #parts: DeliveryViewParts;
  readonly #sourceRates: RecentRates;
  readonly #commitMs: number[] = [];
  readonly #written: { atMs: number; bytes: number }[] = [];
  #writtenAskedMs = -Infinity;
  #commits = 0;

  constructor(parts: DeliveryViewParts) {
    this.#parts = parts;
    this.#sourceRates = new RecentRates(parts.monotonic);
    parts.store.onCommitted(({ seconds }) => {
      this.#commitMs[this.#commits++ % COMMITS] = seconds * 1000;
    });
  }

  /** One message of a source was accepted. */
  count(source: string): void {
    this.#sourceRates.add(source, 1);
  }

  async view(): Promise<DeliveryView> {
    const { store, destinations, queueBytesMax, now } = this.#parts;
    const [statuses, { sourceDead }] = await Promise.all([destinations(), store.snapshot()]);
    const { durability, full, queuedBytes, diskBytes, freeBytes } = store.state;
    return {
      atMs: now(),
      sources: this.#sourceRates.names.map((source) => ({
        source,
        perSecond: this.#sourceRates.rate(source),
      })),
      commitP99Ms: percentile99(this.#commitMs),
      ...{ durability, full: full?.message ?? null, queuedBytes, sourceDead },
      ...{ diskBytes, freeBytes },
      queueBytesMax: queueBytesMax(),
      writtenBytesPerDay: this.#writtenPerDay(),
      destinations: statuses.map((status) => this.#destination(status)),
    };
  }

  #destination({ name, type, mode, up, ledger, lastError, nextAttemptAtMs }: DestinationStatus) {
    const perSecond = this.#parts.drainRates.rate(name);
    const { destination: _name, oldestUs, ...counts } = ledger;
    const waiting = counts.enqueued + counts.inFlight;
    const view: DestinationView = {
      ...{ name, type, mode, up, lastError, nextAttemptAtMs, perSecond },
      ...counts,
      lastSuccessAtMs: this.#parts.lastSuccessAtMs(name),
      oldestMs: oldestUs === null ? null : Math.max(0, this.#parts.now() - oldestUs / 1000),
      toEmptyMs: waiting === 0 || perSecond === 0 ? null : waiting / perSecond * 1000,
    };
    return view;
  }

  /**
   * Between the first view and the newest reading of the counter, which is taken once a minute: it
   * costs a process. Null in the first minute: what a start writes says nothing about a day.
   */
  #writtenPerDay(): number | null {
    const atMs = this.#parts.monotonic();
    if (atMs - this.#writtenAskedMs >= WRITTEN_EVERY_MS) {
      this.#writtenAskedMs = atMs;
      void this.#parts.bytesWritten().then((bytes) => {
        if (bytes !== null) this.#written.push({ atMs, bytes });
        if (this.#written.length > WRITTEN_SAMPLES) this.#written.shift();
      });
    }
    const [first, last] = [this.#written.at(0), this.#written.at(-1)];
    if (first === undefined || last === undefined || first === last) return null;
    return (last.bytes - first.bytes) / (last.atMs - first.atMs) * DAY_MS;
  }
}

function percentile99(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))]!;
}
