/** Dead letters: what destinations refused, and what no decoder took. */
import { z } from "@hono/zod-openapi";
import type { AuditTrail } from "@/auth/audit.ts";
import { HttpError } from "@/model/errors.ts";
import type { DeadLetter, SourceDeadLetter } from "@/model/ledger.ts";
import { actorOf } from "@/routes/access.ts";
import { FILE_FORMS, fileOf, Format } from "@/routes/api/export.ts";
import type { Api } from "@/routes/api/operation.ts";
import {
  Count,
  Cursor,
  limitOf,
  LIST_MAX,
  MessageId,
  pageOf,
  Time,
  timeOfMs,
} from "@/routes/api/schemas.ts";
import type { DeadFilter, SourceDeadFilter, StoreAdmin } from "@/store/store_types.ts";

const TAG = "Dead letters";
const IDS_MAX = 500;

export interface DeadParts {
  store: Pick<
    StoreAdmin,
    "listDead" | "replayDead" | "purgeDead" | "listSourceDead" | "deleteSourceDead"
  >;
  audit: AuditTrail;
  sourceDeadReplay(
    filter: SourceDeadFilter,
    options: { payload?: string },
  ): Promise<{ accepted: number; rejected: number }>;
}

const Letter = z.object({
  message_id: z.string(),
  destination: z.string(),
  device: z.string(),
  topic: z.string(),
  payload: z.string(),
  error: z.string(),
  attempts: z.number().int(),
  dead_at: Time,
}).openapi("DeadLetter");

type LetterView = z.infer<typeof Letter>;

function viewOf({ messageId, deadAtMs, ...same }: DeadLetter): LetterView {
  return { ...same, message_id: messageId, dead_at: timeOfMs(deadAtMs) };
}

const Word = z.string().min(1).max(200);

const FILTER = {
  destination: Word.optional(),
  device: Word.optional(),
  reason: Word.optional().openapi({ description: "Part of the error's text" }),
};

const Payload = z.string().max(200_000).optional().openapi({
  description: "Replaces the content of the one letter that is named",
});

const Selection = z.strictObject({
  ...FILTER,
  ids: z.array(MessageId).min(1).max(IDS_MAX).optional(),
  all: z.literal(true).optional().openapi({ description: "Needed where nothing else selects" }),
});

export function deadOperations(api: Api, parts: DeadParts): void {
  addList(api, parts);
  addSources(api, parts);
  addShow(api, parts);
  addReplay(api, parts);
  addPurge(api, parts);
}

function addList(api: Api, { store }: DeadParts): void {
  api.add({
    method: "get",
    path: "/api/dead",
    tag: TAG,
    summary: "List dead letters of destinations, the oldest first",
    query: z.object({ ...FILTER, limit: limitOf(100), cursor: Cursor, format: Format }),
    answer: { status: 200, text: "Dead letters", schema: pageOf(Letter), also: FILE_FORMS },
  }, async ({ query: { limit, cursor, format = "json", ...filter } }) => {
    if (format !== "json") {
      return fileOf(allLetters(store, filter), { format, name: "dead", columns: COLUMNS });
    }
    const page = await store.listDead(filter, { limit, cursor });
    return { items: page.items.map(viewOf), cursor: page.cursor };
  });
}

const COLUMNS = {
  message_id: (row: LetterView) => row.message_id,
  destination: (row: LetterView) => row.destination,
  device: (row: LetterView) => row.device,
  topic: (row: LetterView) => row.topic,
  payload: (row: LetterView) => row.payload,
  error: (row: LetterView) => row.error,
  attempts: (row: LetterView) => row.attempts,
  dead_at: (row: LetterView) => row.dead_at,
};

async function* allLetters(
  store: DeadParts["store"],
  filter: DeadFilter,
): AsyncGenerator<LetterView> {
  let cursor: string | undefined;
  do {
    const page = await store.listDead(filter, { limit: LIST_MAX, cursor });
    yield* page.items.map(viewOf);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}

function addShow(api: Api, { store }: DeadParts): void {
  api.add({
    method: "get",
    path: "/api/dead/{id}",
    tag: TAG,
    summary: "Show a message's dead letters, one per destination",
    params: z.object({ id: MessageId }),
    answer: {
      status: 200,
      text: "The dead letters",
      schema: z.object({ items: z.array(Letter) }),
    },
  }, async ({ params: { id } }) => {
    const { items } = await store.listDead({ ids: [id] }, { limit: LIST_MAX });
    if (items.length === 0) throw noLetter(id);
    return { items: items.map(viewOf) };
  });
}

function addReplay(api: Api, { store, audit }: DeadParts): void {
  api.add({
    method: "post",
    path: "/api/dead/replay",
    tag: TAG,
    summary: "Send dead letters again",
    body: Selection.extend({ payload: Payload }),
    answer: { status: 200, text: "How many", schema: Count },
  }, async ({ c, body: { payload, ...selection } }) => {
    const filter = filterOf(selection);
    if (payload !== undefined) await assertOneLetter(store, filter);
    const count = await store.replayDead(filter, { payload });
    const subject = filter.destination ?? "all destinations";
    const detail = `${count} replayed, filter ${JSON.stringify(filter)}` +
      (payload === undefined ? "" : ", payload edited");
    await audit.note({ by: actorOf(c), action: "dead_replay", subject, detail });
    return { count };
  });
}

function addPurge(api: Api, { store }: DeadParts): void {
  api.add({
    method: "post",
    path: "/api/dead/purge",
    tag: TAG,
    summary: "Give up dead letters",
    text: "They count as purged from then on.",
    body: Selection,
    answer: { status: 200, text: "How many", schema: Count },
  }, async ({ c, body }) => ({
    count: await store.purgeDead(filterOf(body), actorOf(c)),
  }));
}

function filterOf({ all, ...filter }: z.output<typeof Selection>): DeadFilter {
  if (all === true || Object.values(filter).some((value) => value !== undefined)) return filter;
  throw nothingSelected();
}

async function assertOneLetter(store: DeadParts["store"], filter: DeadFilter): Promise<void> {
  const { items } = await store.listDead(filter, { limit: 2 });
  if (items.length === 1) return;
  throw new HttpError(409, "A payload can be given for exactly one dead letter", {
    code: "HTTP-0409",
    hint: "name one message id, and the destination where it died at several",
  });
}

// --- of sources ---------------------------------------------------------------------------------

const SourceLetter = z.object({
  id: z.number().int(),
  source: z.string(),
  source_name: z.string(),
  device: z.string().nullable(),
  topic: z.string(),
  payload: z.string().nullable().openapi({ description: "Null where it is no text" }),
  payload_base64: z.string(),
  reason: z.string(),
  detail: z.string(),
  at: Time,
}).openapi("SourceDeadLetter");

const SourceSelection = z.strictObject({
  reason: Word.optional(),
  ids: z.array(z.number().int().positive()).min(1).max(IDS_MAX).optional(),
  all: z.literal(true).optional(),
});

function sourceViewOf(letter: SourceDeadLetter): z.infer<typeof SourceLetter> {
  const { payload, atMs, sourceName, ...same } = letter;
  return {
    ...same,
    source_name: sourceName,
    payload: textOrNull(payload),
    payload_base64: base64(payload),
    at: timeOfMs(atMs),
  };
}

function textOrNull(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** In pieces: a call takes no 64 Ki arguments. */
function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}

function addSources(api: Api, parts: DeadParts): void {
  const { store } = parts;
  api.add({
    method: "get",
    path: "/api/dead/sources",
    tag: TAG,
    summary: "List input that no decoder took",
    query: z.object({ reason: Word.optional(), limit: limitOf(100), cursor: Cursor }),
    answer: { status: 200, text: "Dead letters of sources", schema: pageOf(SourceLetter) },
  }, async ({ query: { reason, limit, cursor } }) => {
    const page = await store.listSourceDead({ reason }, { limit, cursor });
    return { items: page.items.map(sourceViewOf), cursor: page.cursor };
  });
  addSourceActs(api, parts);
}

function addSourceActs(api: Api, { store, audit, sourceDeadReplay }: DeadParts): void {
  api.add({
    method: "post",
    path: "/api/dead/sources/replay",
    tag: TAG,
    summary: "Take undecodable input in again",
    text: "What still does not decode stays.",
    body: SourceSelection.extend({ payload: Payload }),
    answer: {
      status: 200,
      text: "What became of them",
      schema: z.object({ accepted: z.number().int(), rejected: z.number().int() }),
    },
  }, async ({ c, body: { payload, ...selection } }) => {
    const filter = sourceFilterOf(selection);
    if (payload !== undefined && filter.ids?.length !== 1) throw notOneSource();
    const counts = await sourceDeadReplay(filter, { payload });
    const detail = `${counts.accepted} accepted, ${counts.rejected} rejected`;
    await audit.note({ by: actorOf(c), action: "dead_replay", subject: "sources", detail });
    return counts;
  });
  api.add({
    method: "post",
    path: "/api/dead/sources/purge",
    tag: TAG,
    summary: "Remove undecodable input",
    body: SourceSelection,
    answer: { status: 200, text: "How many", schema: Count },
  }, async ({ c, body }) => ({
    count: await store.deleteSourceDead(sourceFilterOf(body), actorOf(c)),
  }));
}

function sourceFilterOf({ all, ...filter }: z.output<typeof SourceSelection>): SourceDeadFilter {
  if (all === true || Object.values(filter).some((value) => value !== undefined)) return filter;
  throw nothingSelected();
}

function nothingSelected(): HttpError {
  return new HttpError(400, "Invalid body: nothing is selected", {
    code: "HTTP-0400",
    hint: 'name ids or a filter, or send {"all": true}',
  });
}

function notOneSource(): HttpError {
  return new HttpError(409, "A payload can be given for exactly one dead letter", {
    code: "HTTP-0409",
    hint: "name one id",
  });
}

function noLetter(id: string): HttpError {
  return new HttpError(404, `There is no dead letter of message "${id}"`, {
    code: "HTTP-0404",
    hint: "list what exists with GET /api/dead",
  });
}
