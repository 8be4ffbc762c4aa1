/**
 * Dead letters as one work list, whether a destination refused them or no decoder took them: the
 * filter of a page, its rows, and the steps in which many of them are replayed, purged, exported.
 */
import { payloadText } from "@/components/payload_text.ts";
import type { PageServices } from "@/routes/page_services.ts";
import type { DeadWorkRow, LetterCount, SourceDeadWorkRow } from "@/store/queries.ts";
import type { DeadFilter, Page, SourceDeadFilter } from "@/store/store_types.ts";

export type LetterKind = "destination" | "source";

/** What a person looks at; empty texts do not filter. */
export interface LetterFilter {
  kind: LetterKind;
  destination: string;
  device: string;
  reason: string;
}

/** Which of them an act is about: chosen ones, or all up to the newest that was seen. */
export interface LetterRange {
  letters?: number[];
  afterLetter?: number;
  throughLetter?: number;
}

export interface LetterRow {
  letter: number;
  device: string | null;
  /** Name of the destination or source. */
  where: string;
  topic: string;
  /** The error of a destination; the bounded word of a source. */
  reason: string;
  /** The error in words. */
  detail: string;
  /** Null where the bytes are no text. */
  payload: string | null;
  bytes: Uint8Array;
  attempts: number | null;
  atMs: number;
  /** Null for what never became a message. */
  messageId: string | null;
}

/** One kind of dead letters under one filter. */
export interface LetterBox {
  list(page: { limit: number; cursor?: string; payloadMax: number } & LetterRange): Promise<
    Page<LetterRow>
  >;
  count(range: LetterRange): Promise<LetterCount>;
  step(range: LetterRange, limit: number): Promise<LetterCount>;
  reasons(): Promise<{ reason: string; count: number }[]>;
  /** Resolves with how many; `left`: those that still cannot be understood. */
  replay(range: LetterRange): Promise<{ done: number; left: number }>;
  purge(range: LetterRange): Promise<{ done: number; left: number }>;
  /** For the audit trail. */
  readonly subject: string;
}

const TEXT_MAX = 300;

export function filterOf(fields: URLSearchParams): LetterFilter {
  const text = (name: string) => (fields.get(name) ?? "").trim().slice(0, TEXT_MAX);
  return {
    kind: text("kind") === "source" ? "source" : "destination",
    destination: text("destination"),
    device: text("device"),
    reason: text("reason"),
  };
}

/** The page of a filter; what does not filter is left out. */
export function letterPath(filter: LetterFilter, more: Record<string, string> = {}): string {
  const { kind, destination, device, reason } = filter;
  const query = new URLSearchParams();
  if (kind === "source") query.set("kind", kind);
  for (const [name, value] of Object.entries({ destination, device, reason, ...more })) {
    if (value !== "") query.set(name, value);
  }
  return `/dead-letters${query.size === 0 ? "" : `?${query}`}`;
}

export function letterBox(services: PageServices, filter: LetterFilter): LetterBox {
  return filter.kind === "source"
    ? new SourceLetters(services, filter)
    : new DestinationLetters(services, filter);
}

const encoder = new TextEncoder();

function given(text: string): string | undefined {
  return text === "" ? undefined : text;
}

class DestinationLetters implements LetterBox {
  readonly subject: string;
  readonly #store: PageServices["store"];
  readonly #filter: DeadFilter;

  constructor({ store }: PageServices, { destination, device, reason }: LetterFilter) {
    this.#store = store;
    this.#filter = {
      destination: given(destination),
      device: given(device),
      reason: given(reason),
    };
    this.subject = destination === "" ? "all destinations" : destination;
  }

  async list(
    { limit, cursor, payloadMax, ...range }: Parameters<LetterBox["list"]>[0],
  ): Promise<Page<LetterRow>> {
    const filter = { ...this.#filter, ...range };
    const page = await this.#store.query("dead.work", { filter, limit, cursor, payloadMax });
    return { items: page.items.map(rowOfDead), cursor: page.cursor };
  }

  count(range: LetterRange): Promise<LetterCount> {
    return this.#store.query("dead.count", { filter: { ...this.#filter, ...range } });
  }

  step(range: LetterRange, limit: number): Promise<LetterCount> {
    return this.#store.query("dead.step", { filter: { ...this.#filter, ...range }, limit });
  }

  reasons(): Promise<{ reason: string; count: number }[]> {
    return this.#store.query("dead.reasons", { filter: { ...this.#filter, reason: undefined } });
  }

  async replay(range: LetterRange): Promise<{ done: number; left: number }> {
    return { done: await this.#store.replayDead({ ...this.#filter, ...range }, {}), left: 0 };
  }

  async purge(range: LetterRange): Promise<{ done: number; left: number }> {
    return { done: await this.#store.purgeDead({ ...this.#filter, ...range }, null), left: 0 };
  }
}

function rowOfDead(row: DeadWorkRow): LetterRow {
  const { letter, device, destination, topic, error, payload, attempts, deadAtMs } = row;
  return {
    ...{ letter, device, topic, payload, attempts },
    ...{ where: destination, reason: error, detail: "", atMs: deadAtMs },
    bytes: encoder.encode(payload),
    messageId: row.messageId,
  };
}

class SourceLetters implements LetterBox {
  readonly subject = "sources";
  readonly #services: PageServices;
  readonly #filter: SourceDeadFilter;

  constructor(services: PageServices, { device, reason }: LetterFilter) {
    this.#services = services;
    // as it is shown: "not json"
    this.#filter = { device: given(device), reason: given(reason.replaceAll(" ", "_")) };
  }

  async list(
    { limit, cursor, payloadMax, ...range }: Parameters<LetterBox["list"]>[0],
  ): Promise<Page<LetterRow>> {
    const filter = this.#filterOf(range);
    const { store } = this.#services;
    const page = await store.query("source_dead.work", { filter, limit, cursor, payloadMax });
    return { items: page.items.map(rowOfSource), cursor: page.cursor };
  }

  count(range: LetterRange): Promise<LetterCount> {
    return this.#services.store.query("source_dead.count", { filter: this.#filterOf(range) });
  }

  step(range: LetterRange, limit: number): Promise<LetterCount> {
    const filter = this.#filterOf(range);
    return this.#services.store.query("source_dead.step", { filter, limit });
  }

  reasons(): Promise<{ reason: string; count: number }[]> {
    return this.#services.store.query("source_dead.reasons", {});
  }

  async replay(range: LetterRange): Promise<{ done: number; left: number }> {
    const { operations } = this.#services;
    const { accepted, rejected } = await operations.sourceDeadReplay(this.#filterOf(range), {});
    return { done: accepted, left: rejected };
  }

  async purge(range: LetterRange): Promise<{ done: number; left: number }> {
    const done = await this.#services.store.deleteSourceDead(this.#filterOf(range), null);
    return { done, left: 0 };
  }

  #filterOf({ letters, ...range }: LetterRange): SourceDeadFilter {
    return { ...this.#filter, ...range, ids: letters };
  }
}

function rowOfSource(row: SourceDeadWorkRow): LetterRow {
  const { id, device, source, sourceName, topic, reason, detail, payload, atMs } = row;
  return {
    ...{ letter: id, device, topic, reason, detail, atMs, attempts: null, messageId: null },
    where: source === sourceName ? source : `${source} · ${sourceName}`,
    payload: payloadText(payload),
    bytes: payload,
  };
}
