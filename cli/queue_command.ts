import { type Command, type CommandInput, JSON_OPTION } from "@/cli/command.ts";
import { accessGateway } from "@/cli/gateway_access.ts";
import type { QueueStatus } from "@/cli/operations.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { ageText, bytesText, printable, textTable } from "@/cli/text_table.ts";
import { PermanentError } from "@/model/errors.ts";
import { conserves, type Ledger } from "@/model/ledger.ts";
import type { Journey } from "@/store/store_types.ts";

export const queueStatus: Command = {
  path: ["queue", "status"],
  summary: "Show the ledger of every destination",
  text: "Always: accepted = acked + expired + purged + dropped + enqueued + in flight + dead.",
  options: [JSON_OPTION],
  arguments: [],
  run: runStatus,
};

export const queueShow: Command = {
  path: ["queue", "show"],
  summary: "Show the journey of one message",
  options: [JSON_OPTION],
  arguments: [{ name: "ID", required: true, text: "message id, 32 hex digits" }],
  run: runShow,
};

async function runStatus(input: CommandInput, surroundings: Surroundings): Promise<number> {
  await using access = await accessGateway(input, surroundings);
  const status = await access.operations.queueStatus();
  await surroundings.print(
    input.switches.has("json")
      ? JSON.stringify(statusJson(status, access.running)) + "\n"
      : statusText(status, access.running),
  );
  return 0;
}

/** The form for programs: keys as in the metrics, one entry per destination. */
function statusJson(status: QueueStatus, running: boolean) {
  const nowUs = Date.now() * 1000;
  return {
    running,
    durability: status.durability,
    full: status.full,
    last_number: status.lastNumber,
    source_dead: status.sourceDead,
    queued_bytes: status.queuedBytes,
    disk_bytes: status.diskBytes,
    free_bytes: status.freeBytes,
    destinations: status.ledgers.map((ledger) => ({
      destination: ledger.destination,
      accepted: ledger.accepted,
      acked: ledger.acked,
      expired: ledger.expired,
      purged: ledger.purged,
      dropped: ledger.dropped,
      enqueued: ledger.enqueued,
      in_flight: ledger.inFlight,
      dead: ledger.dead,
      conserved: conserves(ledger),
      oldest_seconds: oldestSeconds(ledger, nowUs),
      queued_bytes: ledger.queuedBytes,
      drain_per_second: status.drainPerSecond[ledger.destination] ?? null,
      paused: ledger.paused,
      removed: ledger.removed,
    })),
  };
}

function statusText(status: QueueStatus, running: boolean): string {
  const nowUs = Date.now() * 1000;
  const rows = status.ledgers.map((ledger) => ledgerRow(ledger, status, nowUs));
  const headings = [
    "DESTINATION",
    "ACCEPTED",
    "ACKED",
    "ENQUEUED",
    "IN FLIGHT",
    "DEAD",
    "EXPIRED",
    "PURGED",
    "DROPPED",
    "OLDEST",
    "PER SECOND",
    "",
  ];
  const free = status.freeBytes === null ? "" : `, ${bytesText(status.freeBytes)} free`;
  const lines = [
    rows.length === 0 ? "no destinations are configured\n" : textTable(headings, rows),
    `${status.lastNumber} messages ever taken, ${status.sourceDead} inputs that no decoder took\n`,
    `${bytesText(status.diskBytes)} on disk, ${bytesText(status.queuedBytes)} queued${free}, ` +
    `durability ${status.durability}${running ? "" : ", the gateway is stopped"}\n`,
  ];
  if (status.full !== null) lines.push(`new data is refused: ${status.full}\n`);
  return lines.join("");
}

function ledgerRow(ledger: Ledger, status: QueueStatus, nowUs: number): string[] {
  const oldest = oldestSeconds(ledger, nowUs);
  const perSecond = status.drainPerSecond[ledger.destination];
  const marks = [
    ...(ledger.paused ? ["paused"] : []),
    ...(ledger.removed ? ["no longer configured"] : []),
    ...(conserves(ledger) ? [] : ["does not add up"]),
  ];
  return [
    ledger.destination,
    String(ledger.accepted),
    String(ledger.acked),
    String(ledger.enqueued),
    String(ledger.inFlight),
    String(ledger.dead),
    String(ledger.expired),
    String(ledger.purged),
    String(ledger.dropped),
    oldest === null ? "-" : ageText(oldest),
    perSecond === undefined ? "-" : perSecond.toFixed(1),
    marks.join(", "),
  ];
}

function oldestSeconds(ledger: Ledger, nowUs: number): number | null {
  return ledger.oldestUs === null ? null : Math.max(0, (nowUs - ledger.oldestUs) / 1e6);
}

async function runShow(input: CommandInput, surroundings: Surroundings): Promise<number> {
  const id = input.arguments[0]!;
  await using access = await accessGateway(input, surroundings);
  const journey = await access.operations.queueShow(id);
  if (journey === null) {
    throw new PermanentError(`Cannot find the message ${JSON.stringify(id)}`, {
      code: "CLI-0006",
      hint: "the id may be mistyped, or the message settled and pruned (storage.keep)",
    });
  }
  const text = input.switches.has("json") ? JSON.stringify(journey) + "\n" : journeyText(journey);
  await surroundings.print(text);
  return 0;
}

function journeyText({ id, message, deliveries }: Journey): string {
  const rows = deliveries.map((delivery) => [
    delivery.destination,
    delivery.state,
    delivery.attempts === null ? "-" : String(delivery.attempts),
    printable(delivery.error ?? "", 200),
  ]);
  const lines = [`message   ${id}\n`];
  if (message !== null) {
    const received = new Date(Math.floor(message.receivedUs / 1000)).toISOString();
    lines.push(
      `received  ${received} by ${message.source} (${message.sourceName})\n`,
      `device    ${printable(message.device, 100)}\n`,
      `topic     ${printable(message.topic, 300)}\n`,
      `payload   ${printable(message.payload, 2000)}\n`,
    );
  }
  const headings = ["DESTINATION", "STATE", "ATTEMPTS", "ERROR"];
  lines.push(rows.length === 0 ? "no destination was to get it\n" : textTable(headings, rows));
  return lines.join("");
}
