/** All deliveries of the gateway, as the forward Worker runs them. */
import { Delivery, type DeliveryListener, type MessageReader } from "@/forward/delivery.ts";
import type { Destination, DestinationEvents } from "@/forward/destination.ts";
import type {
  BatchReport,
  DestinationOptions,
  DestinationStatus,
  ForwardEvent,
  TestReport,
} from "@/forward/forward_types.ts";
import type { DeliveryStore } from "@/forward/store_link.ts";
import type { Timing } from "@/forward/timing.ts";
import { tryDestination } from "@/forward/trial.ts";
import { decodeStored } from "@/model/decode/decode.ts";
import type { StoredMessage } from "@/model/message.ts";
import { normalize } from "@/model/normalize.ts";
import type { Normalized } from "@/model/reading.ts";
import type { NormalizeRules } from "@/model/rules.ts";

/** Progress is told together, so often at the most. */
const PROGRESS_MS = 100;
/** For a delivery whose settings change or that is removed. */
const CHANGE_DEADLINE_MS = 5_000;

export interface HostParts {
  store: DeliveryStore;
  reader: MessageReader;
  rules: NormalizeRules;
  open: (options: DestinationOptions, events: DestinationEvents) => Destination;
  timing: Timing;
  post: (event: ForwardEvent) => void;
}

export class ForwardHost {
  readonly #parts: HostParts;
  readonly #deliveries = new Map<string, { delivery: Delivery; settings: string }>();
  #rules: NormalizeRules;
  #batches: BatchReport[] = [];
  #cancelProgress: (() => void) | null = null;
  /** Changes of the configuration follow one another. */
  #changing: Promise<void> = Promise.resolve();

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#rules = parts.rules;
  }

  get statuses(): DestinationStatus[] {
    return [...this.#deliveries.values()].map(({ delivery }) => delivery.status);
  }

  /** Starts what is new, stops what is gone, restarts what has other settings, leaves the rest. */
  configure(destinations: DestinationOptions[], rules: NormalizeRules): Promise<void> {
    this.#changing = this.#changing.then(() => this.#change(destinations, rules));
    return this.#changing;
  }

  wake(destination: string): void {
    this.#deliveries.get(destination)?.delivery.wake();
  }

  /** Tries a destination's settings out beside what is running. */
  test(options: DestinationOptions): Promise<TestReport> {
    return tryDestination(options, this.#parts);
  }

  async stop(deadlineMs: number): Promise<void> {
    const deliveries = [...this.#deliveries.values()];
    await Promise.all(deliveries.map(({ delivery }) => delivery.stop(deadlineMs)));
    this.#deliveries.clear();
    this.#tellProgress();
  }

  async #change(destinations: DestinationOptions[], rules: NormalizeRules): Promise<void> {
    this.#rules = rules;
    const wanted = new Map(destinations.map((options) => [options.name, JSON.stringify(options)]));
    const obsolete = [...this.#deliveries].filter(([name, { settings }]) =>
      wanted.get(name) !== settings
    );
    await Promise.all(obsolete.map(([name, { delivery }]) => {
      this.#deliveries.delete(name);
      return delivery.stop(CHANGE_DEADLINE_MS);
    }));
    for (const options of destinations) {
      if (!this.#deliveries.has(options.name)) this.#begin(options, wanted.get(options.name)!);
    }
    this.#tellProgress();
  }

  #begin(options: DestinationOptions, settings: string): void {
    const { store, reader, timing, open } = this.#parts;
    const delivery = new Delivery({
      options,
      open: (events) => open(options, events),
      store,
      reader,
      interpret: (message) => this.#interpret(message),
      timing,
      listener: this.#listener(),
    });
    this.#deliveries.set(options.name, { delivery, settings });
    delivery.start();
  }

  #listener(): DeliveryListener {
    return {
      onStatus: () => this.#soonTellProgress(),
      onBatch: (report) => {
        this.#batches.push(report);
        this.#soonTellProgress();
      },
      onNotice: (notice) => this.#parts.post({ type: "notice", notice }),
    };
  }

  #interpret(message: StoredMessage): Normalized {
    const { receivedUs, clockUntrusted, prefixed, device } = message;
    const context = { receivedUs, clockUntrusted, prefixed, sender: device };
    return normalize(decodeStored(message), context, this.#rules);
  }

  #soonTellProgress(): void {
    this.#cancelProgress ??= this.#parts.timing.after(PROGRESS_MS, () => this.#tellProgress());
  }

  #tellProgress(): void {
    this.#cancelProgress?.();
    this.#cancelProgress = null;
    const batches = this.#batches;
    this.#batches = [];
    this.#parts.post({ type: "progress", statuses: this.statuses, batches });
  }
}
