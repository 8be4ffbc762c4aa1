/**
 * Messages to line protocol.
 *
 * Layout (FORMATS §2, CONTRACT §5):
 *   `temperature,node=node1,unit=celsius[,gateway=…][,location=…] value=26.7 1767225600000000000`
 *   `prediction,node=…,label=…[,model=…][,gateway=…][,location=…] score=…,avg=… <ns>`
 * Escaping: in a measurement `,` and space, in a tag `,` `=` and space take a backslash. A backslash
 * elsewhere stands for itself; directly before one of those, or at the end, it is left out, because
 * servers disagree on what two of them mean there and would read on past the tag. A line break, which
 * no escape can hold, becomes `\n`. Empty tags are left out.
 */
import type { Batch, BatchEntry, RejectedEntry } from "@/forward/destination.ts";
import type { Filter } from "@/forward/filter.ts";
import { PermanentError } from "@/model/errors.ts";
import type { Instant } from "@/model/message.ts";
import { plainDecimal } from "@/model/number_text.ts";
import type { Prediction, Reading } from "@/model/reading.ts";

/** Year 2255; beyond it µs are not exact, and int64 nanoseconds end soon after. */
const LAST_US = Number.MAX_SAFE_INTEGER;
/** Series heads remembered: one per device, measurement and unit. */
const HEADS_MAX = 10_000;

/** Lines of one request; the lines of a message are never divided. */
export interface LineChunk {
  /** Place in the batch behind the last message of this chunk. */
  end: number;
  lines: string[];
  /** For each line the place of its message in the batch. */
  owners: number[];
  /** Messages up to `end` that InfluxDB cannot hold; they have no line here. */
  rejected: RejectedEntry[];
}

export class LineEncoder {
  readonly #filter: Filter;
  /** `,gateway=…,location=…` */
  readonly #extraTags: string;
  readonly #heads = new Map<string, string>();

  constructor(
    filter: Filter,
    { gatewayId, location }: { gatewayId: string | null; location: string | null },
  ) {
    this.#filter = filter;
    this.#extraTags = tag("gateway", gatewayId) + tag("location", location);
  }

  /** Encodes messages from `start` on, at most so many points (but at least one message). */
  encode(batch: Batch, { start, pointsMax }: { start: number; pointsMax: number }): LineChunk {
    const chunk: LineChunk = { end: start, lines: [], owners: [], rejected: [] };
    for (; chunk.end < batch.length; chunk.end++) {
      const entry = batch[chunk.end]!;
      if (isBeyondTime(entry)) {
        chunk.rejected.push({ index: chunk.end, error: beyondTime(entry) });
        continue;
      }
      const lines = this.#linesOf(entry);
      if (chunk.lines.length > 0 && chunk.lines.length + lines.length > pointsMax) break;
      for (const line of lines) {
        chunk.lines.push(line);
        chunk.owners.push(chunk.end);
      }
    }
    return chunk;
  }

  #linesOf({ normalized }: BatchEntry): string[] {
    const lines: string[] = [];
    for (const reading of normalized.readings) {
      if (this.#filter.takesReading(reading)) lines.push(this.#readingLine(reading));
    }
    for (const prediction of normalized.predictions) {
      if (this.#filter.takesPrediction(prediction)) lines.push(this.#predictionLine(prediction));
    }
    return lines;
  }

  #readingLine(reading: Reading): string {
    const { device, measurement, unit, value, at } = reading;
    const key = `${measurement}\n${device}\n${unit ?? ""}`;
    let head = this.#heads.get(key);
    if (head === undefined) {
      if (this.#heads.size >= HEADS_MAX) this.#heads.clear();
      const tags = tag("node", device) + tag("unit", unit) + this.#extraTags;
      head = `${escapeMeasurement(measurement)}${tags} value=`;
      this.#heads.set(key, head);
    }
    return `${head}${plainDecimal(value)} ${nanoseconds(at)}`;
  }

  #predictionLine({ device, label, model, score, avgScore, at }: Prediction): string {
    const tags = tag("node", device) + tag("label", label) + tag("model", model);
    const avg = avgScore === null ? "" : `,avg=${plainDecimal(avgScore)}`;
    const fields = `score=${plainDecimal(score)}${avg}`;
    return `prediction${tags}${this.#extraTags} ${fields} ${nanoseconds(at)}`;
  }
}

/** Nanoseconds since 1970 as decimal digits; exact, which a double would not be. */
export function nanoseconds({ us, ns }: Instant): string {
  return us === 0 ? String(ns) : `${us}${String(ns).padStart(3, "0")}`;
}

export function escapeMeasurement(name: string): string {
  return withoutBreaks(name).replace(/\\+(?=[, ]|$)/g, "").replace(/[, ]/g, "\\$&");
}

function tag(key: string, value: string | null): string {
  const escaped = value === null ? "" : escapeTag(value);
  return escaped === "" ? "" : `,${key}=${escaped}`;
}

/** A tag's key or value. */
export function escapeTag(text: string): string {
  return withoutBreaks(text).replace(/\\+(?=[,= ]|$)/g, "").replace(/[,= ]/g, "\\$&");
}

function withoutBreaks(text: string): string {
  return text.replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}

/** All parts of a message have one event time. */
function eventTime({ normalized }: BatchEntry): Instant | undefined {
  return (normalized.readings[0] ?? normalized.predictions[0])?.at;
}

function isBeyondTime(entry: BatchEntry): boolean {
  const us = eventTime(entry)?.us ?? 0;
  return us < 0 || us > LAST_US;
}

function beyondTime(entry: BatchEntry): PermanentError {
  const us = eventTime(entry)?.us ?? 0;
  return new PermanentError(
    `Cannot store the time ${us} µs: only 1970 to 2255 can be written`,
    { code: "FWD-0210", hint: "Correct the sender's clock, edit the message and replay it" },
  );
}
