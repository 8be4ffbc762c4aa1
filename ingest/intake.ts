/**
 * The one door through which telemetry enters: bytes → decode → log → acknowledgement → live.
 *
 * Every source calls `take` with what arrived; `done` is called once, after everything that came of it
 * (messages, dead letters of the source) is committed. Only then may the source acknowledge.
 */
import { decodePayload } from "@/model/decode/decode.ts";
import type { DecodeError } from "@/model/errors.ts";
import type { DecodedMessage } from "@/model/decoded.ts";
import type { AppendOutcome, NewMessage, SourceKind, StoredMessage } from "@/model/message.ts";
import type { LiveListener } from "@/model/live.ts";
import type { NormalizeRules } from "@/model/rules.ts";
import { normalize } from "@/model/normalize.ts";
import { telemetryRoute } from "@/model/topic.ts";
import type { Metrics } from "@/observe/metrics.ts";
import type { Store } from "@/store/store_types.ts";

/** What a source received on a telemetry topic. */
export interface Arrival {
  source: SourceKind;
  sourceName: string;
  topic: string;
  /** May be a view into a receive buffer: `take` copies what it keeps. */
  payload: Uint8Array;
  traceId?: string | null;
  idempotencyKey?: string | null;
  /** Sender's line number and its session, for a source that repeats lines it has no answer for. */
  line?: { number: number; session: number };
  /** Session state that must share the transaction. */
  stateOps?: unknown[];
}

export interface IntakeResult {
  accepted: number;
  duplicate: number;
  /** Kept as dead letters of the source. */
  rejected: number;
  /** Set when something was not committed: nothing of the arrival may be acknowledged. */
  refused: Error | null;
  /** Id of the first accepted message. */
  id: string | null;
}

type Done = (result: IntakeResult) => void;
type AcceptedOutcome = Extract<AppendOutcome, { kind: "accepted" }>;

export interface IntakeParts {
  store: Store;
  metrics: Metrics;
  rules: () => NormalizeRules;
  /** Wall clock in ms; a decoder needs it to find the year of a date that was sent without one. */
  now: () => number;
  /** Monotonic ms, for durations. */
  monotonic: () => number;
}

/** Counts down the parts of one arrival and reports once. */
class Pending {
  readonly result: IntakeResult = {
    accepted: 0,
    duplicate: 0,
    rejected: 0,
    refused: null,
    id: null,
  };
  #open: number;
  readonly #done: Done;

  constructor(parts: number, done: Done) {
    this.#open = parts;
    this.#done = done;
  }

  settle(): void {
    if (--this.#open === 0) this.#done(this.result);
  }
}

export class Intake {
  readonly #parts: IntakeParts;
  readonly #listeners = new Set<LiveListener>();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Adds a listener of committed messages; returns how to remove it. */
  listen(listener: LiveListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Decodes and commits one arrival; never throws. */
  take(arrival: Arrival, done: Done): void {
    const elements = decodePayload(arrival.topic, arrival.payload, this.#parts.now() * 1000);
    const pending = new Pending(elements.length, done);
    const last = elements.length - 1;
    for (let i = 0; i <= last; i++) {
      const element = elements[i];
      if (element === undefined) continue;
      // With the last part: state that says "received" must never be committed before all of it is.
      const stateOps = i === last ? arrival.stateOps : undefined;
      if ("error" in element) this.#reject(arrival, element, pending, stateOps);
      else this.#append(arrival, element, pending, stateOps);
    }
  }

  #append(
    arrival: Arrival,
    element: DecodedMessage,
    pending: Pending,
    stateOps: unknown[] | undefined,
  ): void {
    const { store, metrics, monotonic } = this.#parts;
    const message = newMessage(arrival, element);
    const arrivedAtMs = monotonic();
    store.append(message, (outcome) => {
      metrics.ingestAckSeconds.observe((monotonic() - arrivedAtMs) / 1000);
      this.#count(arrival.source, outcome, pending.result);
      if (outcome.kind === "accepted") this.#announce(message, element, outcome);
      pending.settle();
    }, stateOps);
  }

  #count(source: SourceKind, outcome: AppendOutcome, result: IntakeResult): void {
    const { metrics } = this.#parts;
    if (outcome.kind === "refused") {
      result.refused = outcome.error;
      metrics.countIngest(source, "dropped");
      return;
    }
    metrics.countIngest(source, outcome.kind);
    result[outcome.kind]++;
    result.id ??= outcome.id;
  }

  /** Tells whoever watches; a listener that throws is its own problem, the commit stands. */
  #announce(message: NewMessage, element: DecodedMessage, outcome: AcceptedOutcome): void {
    if (this.#listeners.size === 0) return;
    const stored = storedMessage(message, outcome);
    const context = { ...outcome, sender: message.device };
    const normalized = normalize(element.decoded, context, this.#parts.rules());
    const live = { message: stored, decoded: element.decoded, normalized };
    for (const listener of this.#listeners) listener(live);
  }

  #reject(
    arrival: Arrival,
    element: { error: DecodeError; payload: Uint8Array },
    pending: Pending,
    stateOps: unknown[] | undefined,
  ): void {
    const { store, metrics } = this.#parts;
    const { error } = element;
    const rejection = {
      source: arrival.source,
      sourceName: arrival.sourceName,
      device: telemetryRoute(arrival.topic)?.device ?? null,
      topic: arrival.topic,
      payload: element.payload.slice(),
      reason: error.reason,
      detail: `${error.message}. ${error.hint}`,
    };
    store.reject(rejection, (failed) => {
      if (failed !== null) pending.result.refused = failed;
      else pending.result.rejected++;
      metrics.countIngest(arrival.source, failed === null ? "rejected" : "dropped");
      if (failed === null) metrics.ingestRejected.inc({ reason: error.reason });
      pending.settle();
    }, stateOps);
  }
}

function newMessage(arrival: Arrival, element: DecodedMessage): NewMessage {
  const { decoded, payload } = element;
  const { line } = arrival;
  return {
    source: arrival.source,
    sourceName: arrival.sourceName,
    device: decoded.device,
    topic: arrival.topic,
    payload,
    seq: line?.number ?? decoded.seq,
    // A repeated line is the same line of the same session, whatever its packet says.
    sentAt: line === undefined ? decoded.sentAt : { us: line.session, ns: 0 },
    traceId: arrival.traceId ?? null,
    idempotencyKey: arrival.idempotencyKey ?? null,
    fromReceiver: arrival.topic.startsWith("gateways/"),
  };
}

function storedMessage(message: NewMessage, outcome: AcceptedOutcome): StoredMessage {
  return {
    number: outcome.number,
    id: outcome.id,
    source: message.source,
    sourceName: message.sourceName,
    device: message.device,
    topic: message.topic,
    payload: message.payload,
    seq: message.source === "feed" ? null : message.seq,
    receivedUs: outcome.receivedUs,
    traceId: message.traceId,
    clockUntrusted: outcome.clockUntrusted,
    prefixed: outcome.prefixed,
  };
}
