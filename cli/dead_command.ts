/** Dead letters: of destinations by default, of sources with `--source`. */
import {
  type ArgumentDescription,
  type Command,
  type CommandInput,
  integerOption,
  JSON_OPTION,
  type OptionDescription,
  usageError,
} from "@/cli/command.ts";
import { accessGateway } from "@/cli/gateway_access.ts";
import type { Operations, SourceDeadFilter } from "@/cli/operations.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { printable, textTable } from "@/cli/text_table.ts";
import { PermanentError } from "@/model/errors.ts";
import type { DeadLetter, SourceDeadLetter } from "@/model/ledger.ts";
import type { DeadFilter, Page } from "@/store/store_types.ts";

const PAGE_LIMIT = 500;
const SHOWN_BY_DEFAULT = 50;

/** Recorded in the audit trail. */
const ACTOR = "command line";

const FILTERS: OptionDescription[] = [
  { name: "destination", value: "NAME", text: "only of this destination" },
  { name: "device", value: "ID", text: "only of this device" },
  { name: "source", text: "undecodable inputs of sources instead" },
  { name: "reason", value: "R", text: "only with this reason (source) or text in the error" },
];

const IDS: ArgumentDescription = {
  name: "ID",
  required: false,
  repeated: true,
  text: "message ids; with --source the numbers of the inputs",
};

const ALL: OptionDescription = { name: "all", text: "all that match instead of single ones" };

export const deadList: Command = {
  path: ["dead", "list"],
  summary: "List dead letters, newest first",
  options: [
    ...FILTERS,
    { name: "limit", value: "N", text: `how many at the most (default ${SHOWN_BY_DEFAULT})` },
    JSON_OPTION,
  ],
  arguments: [],
  run: runList,
};

export const deadShow: Command = {
  path: ["dead", "show"],
  summary: "Show dead letters with payload and error",
  options: [...FILTERS, JSON_OPTION],
  arguments: [{ ...IDS, required: true }],
  run: runShow,
};

export const deadReplay: Command = {
  path: ["dead", "replay"],
  summary: "Send dead letters once more",
  options: [
    ...FILTERS,
    ALL,
    { name: "payload", value: "TEXT", text: "send this instead, for a single one" },
  ],
  arguments: [IDS],
  run: runReplay,
};

export const deadPurge: Command = {
  path: ["dead", "purge"],
  summary: "Delete dead letters for good; this is recorded",
  options: [...FILTERS, ALL],
  arguments: [IDS],
  run: runPurge,
};

export const deadExport: Command = {
  path: ["dead", "export"],
  summary: "Write dead letters as one JSON object a line",
  text: "Payloads are texts; what is not UTF-8 (inputs of sources) is written as payload_base64.",
  options: [...FILTERS, ALL, {
    name: "output",
    value: "FILE",
    text: "a new file instead of stdout",
  }],
  arguments: [IDS],
  run: runExport,
};

/** What the options select. */
interface Selection {
  ofSources: boolean;
  dead: DeadFilter;
  source: SourceDeadFilter;
}

function selectionOf(input: CommandInput): Selection {
  const ofSources = input.switches.has("source");
  const [destination, device, reason] = ["destination", "device", "reason"].map((name) =>
    input.values.get(name)
  );
  if (ofSources && (destination !== undefined || device !== undefined)) {
    throw usageError(
      "Options --destination and --device do not go with --source",
      "select inputs of sources by --reason or by their numbers",
    );
  }
  const ids = input.arguments.length === 0 ? undefined : input.arguments;
  return {
    ofSources,
    dead: { destination, device, reason, ids },
    source: { reason, ids: ofSources ? ids?.map(sourceNumber) : undefined },
  };
}

function sourceNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number > 0 && Number.isSafeInteger(number)) return number;
  throw usageError(
    `${JSON.stringify(text)} is not the number of an input`,
    "see them with: sluice dead list --source",
  );
}

/** Acts on many need `--all`, so that a forgotten id does not mean everything. */
function requireChoice(input: CommandInput): void {
  const all = input.switches.has("all");
  if (all !== (input.arguments.length > 0)) return;
  throw usageError(
    all ? "Ids and --all do not go together" : "Neither an id nor --all is given",
    "name ids, or give --all with the filters that select what you mean",
  );
}

/** All letters that match, page by page. */
async function* letters(
  operations: Operations,
  selection: Selection,
): AsyncGenerator<DeadLetter | SourceDeadLetter> {
  let cursor: string | undefined;
  do {
    const page = { limit: PAGE_LIMIT, cursor };
    const found: Page<DeadLetter | SourceDeadLetter> = selection.ofSources
      ? await operations.sourceDeadList(selection.source, page)
      : await operations.deadList(selection.dead, page);
    yield* found.items;
    cursor = found.cursor ?? undefined;
  } while (cursor !== undefined);
}

async function runList(input: CommandInput, surroundings: Surroundings): Promise<number> {
  const limit = integerOption(input, "limit", { min: 1, max: 1_000_000 }) ?? SHOWN_BY_DEFAULT;
  const selection = selectionOf(input);
  await using access = await accessGateway(input, surroundings);
  const found: (DeadLetter | SourceDeadLetter)[] = [];
  let more = false;
  for await (const letter of letters(access.operations, selection)) {
    more = found.length === limit;
    if (more) break;
    found.push(letter);
  }
  if (input.switches.has("json")) {
    await surroundings.print(
      found.map((letter) => JSON.stringify(letterJson(letter)) + "\n").join(""),
    );
    return 0;
  }
  await surroundings.print(found.length === 0 ? "no dead letters\n" : listText(found));
  if (more) {
    surroundings.warn(`there are more than ${limit}: raise --limit or narrow the selection`);
  }
  return 0;
}

function listText(found: (DeadLetter | SourceDeadLetter)[]): string {
  const ofSources = "id" in found[0]!;
  const headings = ofSources
    ? ["NUMBER", "AT", "SOURCE", "TOPIC", "REASON", "BYTES"]
    : ["MESSAGE", "DESTINATION", "AT", "DEVICE", "ATTEMPTS", "ERROR"];
  return textTable(headings, found.map(listRow));
}

function listRow(letter: DeadLetter | SourceDeadLetter): string[] {
  if ("id" in letter) {
    return [
      String(letter.id),
      timeText(letter.atMs),
      letter.sourceName,
      printable(letter.topic, 60),
      letter.reason,
      String(letter.payload.length),
    ];
  }
  return [
    letter.messageId,
    letter.destination,
    timeText(letter.deadAtMs),
    printable(letter.device, 40),
    String(letter.attempts),
    printable(letter.error, 80),
  ];
}

async function runShow(input: CommandInput, surroundings: Surroundings): Promise<number> {
  const selection = selectionOf(input);
  await using access = await accessGateway(input, surroundings);
  const found: (DeadLetter | SourceDeadLetter)[] = [];
  for await (const letter of letters(access.operations, selection)) found.push(letter);
  if (found.length === 0) throw notFound();
  const json = input.switches.has("json");
  await surroundings.print(
    found.map((letter) => json ? JSON.stringify(letterJson(letter)) + "\n" : letterText(letter))
      .join(json ? "" : "\n"),
  );
  return 0;
}

function letterText(letter: DeadLetter | SourceDeadLetter): string {
  const pairs = Object.entries(letterJson(letter)).map(([key, value]) => {
    const text = typeof value === "string" ? printable(value, 100_000) : JSON.stringify(value);
    return `${key.padEnd(15)} ${text}\n`;
  });
  return pairs.join("");
}

/** The form for programs and for `dead export`. */
function letterJson(letter: DeadLetter | SourceDeadLetter): Record<string, unknown> {
  if ("id" in letter) {
    return {
      number: letter.id,
      at: new Date(letter.atMs).toISOString(),
      source: letter.source,
      source_name: letter.sourceName,
      device: letter.device,
      topic: letter.topic,
      reason: letter.reason,
      detail: letter.detail,
      ...payloadJson(letter.payload),
    };
  }
  return {
    message_id: letter.messageId,
    destination: letter.destination,
    at: new Date(letter.deadAtMs).toISOString(),
    device: letter.device,
    topic: letter.topic,
    attempts: letter.attempts,
    error: letter.error,
    payload: letter.payload,
  };
}

function payloadJson(payload: Uint8Array): Record<string, string> {
  try {
    return { payload: new TextDecoder("utf-8", { fatal: true }).decode(payload) };
  } catch {
    return { payload_base64: payload.toBase64() };
  }
}

async function runReplay(input: CommandInput, surroundings: Surroundings): Promise<number> {
  requireChoice(input);
  const selection = selectionOf(input);
  const payload = input.values.get("payload");
  if (payload !== undefined && input.arguments.length !== 1) {
    throw usageError("Option --payload is for a single dead letter", "name exactly one id");
  }
  await using access = await accessGateway(input, surroundings);
  const { operations } = access;
  if (selection.ofSources) {
    const result = await operations.sourceDeadReplay(selection.source, { payload });
    if (result.accepted + result.rejected === 0) throw notFound();
    const text = `took in ${result.accepted}, still undecodable ${result.rejected}\n`;
    await surroundings.print(text);
    return 0;
  }
  const count = await operations.deadReplay(selection.dead, { payload });
  if (count === 0) throw notFound();
  await surroundings.print(`enqueued ${count} again\n`);
  return 0;
}

async function runPurge(input: CommandInput, surroundings: Surroundings): Promise<number> {
  requireChoice(input);
  const selection = selectionOf(input);
  await using access = await accessGateway(input, surroundings);
  const { operations } = access;
  const count = selection.ofSources
    ? await operations.sourceDeadPurge(selection.source, ACTOR)
    : await operations.deadPurge(selection.dead, ACTOR);
  if (count === 0) throw notFound();
  await surroundings.print(`purged ${count}\n`);
  return 0;
}

async function runExport(input: CommandInput, surroundings: Surroundings): Promise<number> {
  requireChoice(input);
  const selection = selectionOf(input);
  await using access = await accessGateway(input, surroundings);
  const output = input.values.get("output");
  using file = output === undefined
    ? null
    : await Deno.open(output, { write: true, createNew: true, mode: 0o600 });
  let count = 0;
  for await (const letter of letters(access.operations, selection)) {
    const line = JSON.stringify(letterJson(letter)) + "\n";
    if (file === null) await surroundings.print(line);
    else await writeAll(file, line);
    count++;
  }
  await file?.sync();
  surroundings.warn(`exported ${count}`);
  return 0;
}

async function writeAll(file: Deno.FsFile, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

function notFound(): PermanentError {
  return new PermanentError("No dead letter matches", {
    code: "CLI-0007",
    hint: "see them with: sluice dead list, or sluice dead list --source",
  });
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19) + "Z";
}
