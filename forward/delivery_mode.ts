/**
 * The state machine of one destination's delivery, as one pure function of the facts: which mode it
 * is in, what it does there, and how long it waits for something to change.
 *
 *   starting ──prepared──▶ idle ◀──▶ lingering ──▶ delivering ──▶ idle …
 *      ▲  └──failure──▶ backing_off ──5 failures──▶ circuit_open ──time──▶ probing ──▶ delivering
 *      └──────time──────────┘                            ▲────failure─────────┘
 *   paused and waiting_for_clock hold it before the next batch; stopping ends it from everywhere.
 *
 * - starting: waits for the store to know the destination, then connects and prepares the other side
 * - lingering: a batch that is not full waits for company
 * - backing_off: the next attempt's time is drawn; it prepares anew before it writes
 * - circuit_open: the other side has failed often; the next attempt is one probe with one message
 * - waiting_for_clock: messages wait to be stamped once the wall clock is trusted
 */
import type { DeliveryMode } from "@/forward/forward_types.ts";

/** Failures in a row that open the circuit. */
export const CIRCUIT_FAILURES = 5;

export interface DeliveryFacts {
  stopping: boolean;
  /** The store has told where the destination's cursor stands. */
  known: boolean;
  paused: boolean;
  prepared: boolean;
  /** In a row. */
  failures: number;
  /** Until the next attempt, ms; 0 when it may be made now. */
  backoffLeftMs: number;
  /** Messages that may be sent now, replayed ones included. */
  available: number;
  /** Messages that wait for a trusted clock. */
  unstamped: number;
  /** Until an incomplete batch is sent all the same, ms; 0 when it need not wait. */
  lingerLeftMs: number;
}

export interface DeliveryStep {
  mode: DeliveryMode;
  act: "wait" | "prepare" | "deliver" | "stop";
  /** For `wait`: at the most so long, ms; null until something changes. */
  waitMs: number | null;
}

export function nextStep(facts: DeliveryFacts): DeliveryStep {
  const open = facts.failures >= CIRCUIT_FAILURES;
  if (facts.stopping) return { mode: "stopping", act: "stop", waitMs: null };
  if (!facts.known) return wait("starting", null);
  if (facts.paused) return wait("paused", null);
  if (facts.backoffLeftMs > 0) {
    return wait(open ? "circuit_open" : "backing_off", facts.backoffLeftMs);
  }
  if (!facts.prepared) return { mode: open ? "probing" : "starting", act: "prepare", waitMs: null };
  if (facts.available === 0) return wait(facts.unstamped > 0 ? "waiting_for_clock" : "idle", null);
  if (facts.lingerLeftMs > 0) return wait("lingering", facts.lingerLeftMs);
  return { mode: open ? "probing" : "delivering", act: "deliver", waitMs: null };
}

function wait(mode: DeliveryMode, waitMs: number | null): DeliveryStep {
  return { mode, act: "wait", waitMs };
}
