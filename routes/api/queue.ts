/** Where messages stand: ledgers, one message's journey, destinations and what may be done to them. */
import { z } from "@hono/zod-openapi";
import type { AuditTrail } from "@/auth/audit.ts";
import { HttpError } from "@/model/errors.ts";
import type { Ledger } from "@/model/ledger.ts";
import { actorOf } from "@/routes/access.ts";
import type { Api } from "@/routes/api/operation.ts";
import {
  Count,
  MessageId,
  Time,
  timeOf,
  timeOfMs,
  TimeOrNull,
  timeOrNull,
  TimeQuery,
} from "@/routes/api/schemas.ts";
import { windowOf } from "@/routes/api/time_window.ts";
import type { StoreAdmin } from "@/store/store_types.ts";

export interface QueueStatus {
  ledgers: Ledger[];
  drainPerSecond: Record<string, number>;
  sourceDead: number;
  lastNumber: number;
  durability: "full" | "relaxed";
  full: string | null;
  queuedBytes: number;
  diskBytes: number;
  freeBytes: number | null;
}

export interface DestinationStatus {
  name: string;
  type: string | null;
  ledger: Ledger;
  mode: string | null;
  up: boolean | null;
  lastError: { message: string; hint: string; atMs: number } | null;
  nextAttemptAtMs: number | null;
}

export interface QueueParts {
  store: Pick<StoreAdmin, "journey" | "backfillDestination">;
  audit: AuditTrail;
  queueStatus(): Promise<QueueStatus>;
  destinationList(): Promise<DestinationStatus[]>;
  destinationTest(name: string): Promise<
    { ok: boolean; message: string; hint: string; durationMs: number }
  >;
  destinationPause(name: string, paused: boolean): Promise<void>;
}

const Whole = z.number().int();

const LedgerView = z.object({
  destination: z.string(),
  accepted: Whole,
  acked: Whole,
  expired: Whole,
  purged: Whole,
  dropped: Whole,
  enqueued: Whole,
  in_flight: Whole,
  dead: Whole,
  oldest_at: TimeOrNull,
  queued_bytes: Whole,
  paused: z.boolean(),
  removed: z.boolean(),
}).openapi("Ledger", {
  description: "accepted = acked + expired + purged + dropped + enqueued + in_flight + dead",
});

function ledgerView({ inFlight, oldestUs, queuedBytes, ...same }: Ledger) {
  const oldest = timeOrNull(oldestUs);
  return { ...same, in_flight: inFlight, oldest_at: oldest, queued_bytes: queuedBytes };
}

const Queue = z.object({
  destinations: z.array(LedgerView.extend({
    drain_per_second: z.number().openapi({ description: "Messages settled, lately" }),
  })),
  source_dead: Whole,
  last_number: Whole,
  durability: z.enum(["full", "relaxed"]),
  full: z.string().nullable().openapi({ description: "Why new data is refused; null when not" }),
  queued_bytes: Whole,
  disk_bytes: Whole,
  free_bytes: z.number().nullable(),
}).openapi("Queue");

const Journey = z.object({
  id: z.string(),
  message: z.object({
    source: z.string(),
    source_name: z.string(),
    device: z.string(),
    topic: z.string(),
    payload: z.string(),
    seq: z.number().nullable(),
    received_at: Time,
    trace_id: z.string(),
  }).nullable().openapi({ description: "Null when it is pruned from the log" }),
  deliveries: z.array(z.object({
    destination: z.string(),
    state: z.enum(["enqueued", "in_flight", "acked", "dead", "settled", "not_for"]),
    attempts: z.number().int().nullable(),
    error: z.string().nullable(),
  })),
}).openapi("Journey");

export function queueOperations(api: Api, parts: QueueParts): void {
  api.add({
    method: "get",
    path: "/api/queue",
    tag: "Queue",
    summary: "Show the ledgers of all destinations, one snapshot",
    answer: { status: 200, text: "The queue", schema: Queue },
  }, async () => queueView(await parts.queueStatus()));
  api.add({
    method: "get",
    path: "/api/messages/{id}",
    tag: "Queue",
    summary: "Show the journey of a message",
    params: z.object({ id: MessageId }),
    answer: { status: 200, text: "The message and its state per destination", schema: Journey },
  }, async ({ params }) => {
    const journey = await parts.store.journey(params.id);
    if (journey === null) throw notHere("message", params.id);
    const { id, message, deliveries } = journey;
    return { id, message: message === null ? null : messageView(message), deliveries };
  });
  addDestinations(api, parts);
  addActs(api, parts);
}

function queueView(status: QueueStatus): z.infer<typeof Queue> {
  const { ledgers, drainPerSecond, durability, full } = status;
  return {
    destinations: ledgers.map((ledger) => ({
      ...ledgerView(ledger),
      drain_per_second: drainPerSecond[ledger.destination] ?? 0,
    })),
    source_dead: status.sourceDead,
    last_number: status.lastNumber,
    ...{ durability, full },
    queued_bytes: status.queuedBytes,
    disk_bytes: status.diskBytes,
    free_bytes: status.freeBytes,
  };
}

type StoredMessage = NonNullable<
  NonNullable<Awaited<ReturnType<StoreAdmin["journey"]>>>["message"]
>;

function messageView(message: StoredMessage) {
  const { source, sourceName, device, topic, payload, seq, receivedUs } = message;
  return {
    ...{ source, device, topic, payload, seq },
    source_name: sourceName,
    received_at: timeOf(receivedUs),
    trace_id: message.traceId ?? message.id,
  };
}

// --- destinations -------------------------------------------------------------------------------

const Destination = z.object({
  name: z.string(),
  type: z.string().nullable().openapi({ description: "Null when it is not configured any more" }),
  mode: z.string().nullable(),
  up: z.boolean().nullable(),
  last_error: z.object({ message: z.string(), hint: z.string(), at: Time }).nullable(),
  next_attempt_at: TimeOrNull,
  ledger: LedgerView,
}).openapi("Destination");

const Named = z.object({ name: z.string().min(1).max(64) });

function destinationView(status: DestinationStatus): z.infer<typeof Destination> {
  const { name, type, mode, up, lastError, nextAttemptAtMs, ledger } = status;
  const error = lastError === null ? null : {
    message: lastError.message,
    hint: lastError.hint,
    at: timeOfMs(lastError.atMs),
  };
  return {
    ...{ name, type, mode, up },
    last_error: error,
    next_attempt_at: nextAttemptAtMs === null ? null : timeOfMs(nextAttemptAtMs),
    ledger: ledgerView(ledger),
  };
}

async function needDestination(parts: QueueParts, name: string): Promise<DestinationStatus> {
  const found = (await parts.destinationList()).find((each) => each.name === name);
  if (found === undefined) throw notHere("destination", name);
  return found;
}

function addDestinations(api: Api, parts: QueueParts): void {
  api.add({
    method: "get",
    path: "/api/destinations",
    tag: "Destinations",
    summary: "List destinations",
    answer: { status: 200, text: "All", schema: z.object({ items: z.array(Destination) }) },
  }, async () => ({ items: (await parts.destinationList()).map(destinationView) }));
  api.add({
    method: "get",
    path: "/api/destinations/{name}",
    tag: "Destinations",
    summary: "Show a destination",
    params: Named,
    answer: { status: 200, text: "The destination", schema: Destination },
  }, async ({ params }) => destinationView(await needDestination(parts, params.name)));
}

const TestReport = z.object({
  ok: z.boolean(),
  message: z.string(),
  hint: z.string(),
  duration_ms: z.number(),
});

function addActs(api: Api, parts: QueueParts): void {
  for (const act of ["pause", "resume"] as const) {
    api.add({
      method: "post",
      path: `/api/destinations/{name}/${act}`,
      tag: "Destinations",
      summary: act === "pause" ? "Keep queueing and send nothing" : "Send again",
      params: Named,
      answer: { status: 200, text: "As it is now", schema: Destination },
    }, async ({ c, params: { name } }) => {
      await needDestination(parts, name);
      await parts.destinationPause(name, act === "pause");
      await parts.audit.note({ by: actorOf(c), action: `destination_${act}`, subject: name });
      return destinationView(await needDestination(parts, name));
    });
  }
  api.add({
    method: "post",
    path: "/api/destinations/{name}/test",
    tag: "Destinations",
    summary: "Connect and sign in there, and write nothing",
    params: Named,
    answer: { status: 200, text: "What was found", schema: TestReport },
  }, async ({ params: { name } }) => {
    const { type } = await needDestination(parts, name);
    if (type === null) throw notConfigured(name);
    const { durationMs, ...report } = await parts.destinationTest(name);
    return { ...report, duration_ms: durationMs };
  });
  addBackfill(api, parts);
}

function addBackfill(api: Api, parts: QueueParts): void {
  api.add({
    method: "post",
    path: "/api/destinations/{name}/backfill",
    tag: "Destinations",
    summary: "Send the messages of a window once more",
    text: "By time of reception, from `from` up to and with `to`; what the log still has. Copies " +
      "carry the same ids, so a destination holds each message once.",
    params: Named,
    body: z.strictObject({ from: TimeQuery, to: TimeQuery }),
    answer: { status: 200, text: "How many messages", schema: Count },
  }, async ({ c, params: { name }, body }) => {
    const { fromUs, toUs: throughUs } = windowOf(body);
    const { type } = await needDestination(parts, name);
    if (type === null) throw notConfigured(name);
    const count = await parts.store.backfillDestination(name, { fromUs, throughUs });
    const detail = `${timeOf(fromUs)} to ${timeOf(throughUs)}: ${count}`;
    const by = actorOf(c);
    await parts.audit.note({ by, action: "destination_backfill", subject: name, detail });
    return { count };
  });
}

function notHere(kind: string, id: string): HttpError {
  return new HttpError(404, `There is no ${kind} "${id.slice(0, 80)}"`, {
    code: "HTTP-0404",
    hint: kind === "message"
      ? "it was never here, or was pruned after storage.keep"
      : "list what exists with GET /api/destinations",
  });
}

function notConfigured(name: string): HttpError {
  return new HttpError(409, `Destination "${name}" is not configured any more`, {
    code: "HTTP-0409",
    hint: "add it to the configuration again, or: sluice destination forget NAME",
  });
}
