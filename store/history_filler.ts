/**
 * Fills the history from the log: one more cursor, moved in the transaction that writes the rows, so
 * every message counts exactly once, also over a kill. Values go to the table of recent ones;
 * `HistoryMover` takes them to where charts read.
 */
import { decodeStored } from "@/model/decode/decode.ts";
import { normalize } from "@/model/normalize.ts";
import { type Attribute, flagsToMask, type Prediction, type Reading } from "@/model/reading.ts";
import type { NormalizeRules } from "@/model/rules.ts";
import type { Database, SqlValue } from "@/store/database.ts";
import { LOG_COLUMNS, type MessageLog, type StoredRow, toStored } from "@/store/message_log.ts";
import type { StoredMessage } from "@/model/message.ts";

export const HISTORY_CHUNK_ROWS = 500;
const SERIES_MAX = 100_000;
const DEVICES_MAX = 100_000;
const ATTRIBUTES_MAX = 100_000;
/** Entries of each memory of known series. */
const CACHE_MAX = 20_000;
const ROWS_PER_STATEMENT = 40;

const FUTURE = flagsToMask(["ts_future"]);

interface Series {
  series: number;
  unit: string | null;
  latest_us: number | null;
  latest_number: number;
}

interface Latest {
  series: number;
  us: number;
  number: number;
  value: number;
  flags: number;
}

interface DeviceSeen {
  device: string;
  via: string;
  firstUs: number;
  lastUs: number;
  messages: number;
}

/** What one chunk comes to. */
class Gathered {
  readings: {
    series: number;
    atUs: number;
    number: number;
    item: number;
    value: number;
    flags: number;
  }[] = [];
  readonly latest: Map<number, Latest> = new Map();
  readonly units: Map<number, string | null> = new Map();
  readonly devices: Map<string, DeviceSeen> = new Map();
  readonly predictions: { prediction: Prediction; message: StoredMessage; item: number }[] = [];
  readonly attributes: Map<string, { attribute: Attribute; number: number }> = new Map();
}

export interface HistoryProblem {
  code: string;
  message: string;
}

export class HistoryFiller {
  readonly #db: Database;
  readonly #log: MessageLog;
  readonly #series: Map<string, Series> = new Map();
  #cursor = 0;
  #cursorBytes = 0;
  #active = "a";
  #counts = { series: 0, attributes: 0 };
  #devices: Set<string> = new Set();
  /** Messages that an earlier program took and this one cannot decode, and values beyond a limit. */
  skipped = 0;

  constructor(db: Database, log: MessageLog) {
    this.#db = db;
    this.#log = log;
    this.reload();
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Number of series; the more, the more values are moved at once. */
  get seriesCount(): number {
    return this.#counts.series;
  }

  /** New values go to the other table from now on: `HistoryMover` has switched them. */
  useTable(active: "a" | "b"): void {
    this.#active = active;
  }

  get cursorBytes(): number {
    return this.#cursorBytes;
  }

  reload(): void {
    this.#series.clear();
    const row = this.#db.get<{ cursor: number; cursor_bytes: number; active: string }>(
      "SELECT * FROM history",
    );
    this.#cursor = row?.cursor ?? 0;
    this.#cursorBytes = row?.cursor_bytes ?? 0;
    this.#active = row?.active === "b" ? "b" : "a";
    const devices = this.#db.all<{ device: string }>("SELECT device FROM devices");
    this.#devices = new Set(devices.map(({ device }) => device));
    this.#counts = {
      series: this.#db.number("SELECT count(*) FROM series"),
      attributes: this.#db.number("SELECT count(*) FROM attributes"),
    };
  }

  /**
   * Takes the next chunk up to `through`; returns how many messages it took. A transaction of its own
   * without an fsync: what power loss takes is derived again, because the cursor goes back with it.
   */
  fill(through: number, rules: NormalizeRules, rowsMax = HISTORY_CHUNK_ROWS): number {
    const rows = this.#db.all<StoredRow>(
      `SELECT ${LOG_COLUMNS} FROM messages WHERE number > ? AND number <= ?
       ORDER BY number LIMIT ?`,
      this.#cursor,
      through,
      rowsMax,
    );
    const reached = rows.at(-1)?.number ?? through;
    if (reached <= this.#cursor) return 0;
    const reachedBytes = this.#log.bytesAt(reached);
    this.#db.transaction(() => {
      this.#write(this.#gather(rows, rules));
      this.#db.run("UPDATE history SET cursor = ?, cursor_bytes = ?", reached, reachedBytes);
    }, { relaxed: true });
    this.#cursor = reached;
    this.#cursorBytes = reachedBytes;
    return rows.length;
  }

  // --- gathering --------------------------------------------------------------------------------

  #gather(rows: StoredRow[], rules: NormalizeRules): Gathered {
    const gathered = new Gathered();
    for (const row of rows) this.#take(gathered, toStored(row, this.#log.idOf(row.number)), rules);
    return gathered;
  }

  #take(gathered: Gathered, message: StoredMessage, rules: NormalizeRules): void {
    const normalized = this.#normalized(message, rules);
    if (normalized === null) {
      this.skipped++;
      return;
    }
    const devices = new Set([message.device]);
    normalized.readings.forEach((reading, item) => {
      devices.add(reading.device);
      this.#takeReading(gathered, reading, { number: message.number, item });
    });
    normalized.predictions.forEach((prediction, item) =>
      gathered.predictions.push({ prediction, message, item })
    );
    for (const attribute of normalized.attributes) {
      takeAttribute(gathered, attribute, message.number);
    }
    for (const device of devices) takeDevice(gathered, device, message);
  }

  #normalized(message: StoredMessage, rules: NormalizeRules) {
    const { receivedUs, clockUntrusted, prefixed, device } = message;
    try {
      const decoded = decodeStored(message);
      return normalize(decoded, { receivedUs, clockUntrusted, prefixed, sender: device }, rules);
    } catch {
      return null;
    }
  }

  #takeReading(
    gathered: Gathered,
    reading: Reading,
    { number, item }: { number: number; item: number },
  ): void {
    const series = this.#seriesOf(reading);
    if (series === null) {
      this.skipped++;
      return;
    }
    const { value, at: { us: atUs } } = reading;
    const flags = flagsToMask(reading.flags);
    gathered.readings.push({ series: series.series, atUs, number, item, value, flags });
    if (series.unit !== reading.unit) {
      series.unit = reading.unit;
      gathered.units.set(series.series, reading.unit);
    }
    if ((flags & FUTURE) === 0 && isNewer(series, atUs, number)) {
      series.latest_us = atUs;
      series.latest_number = number;
      gathered.latest.set(series.series, { series: series.series, us: atUs, number, value, flags });
    }
  }

  /** The series of a reading, made where it is new; null above the limit. */
  #seriesOf({ device, measurement, unit }: Reading): Series | null {
    const key = `${device}\n${measurement}`;
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const found = this.#db.get<Series>(
      `SELECT series, unit, latest_us, latest_number FROM series
       WHERE device = ? AND measurement = ?`,
      device,
      measurement,
    ) ?? this.#makeSeries(device, measurement, unit);
    if (found === null) return null;
    if (this.#series.size >= CACHE_MAX) this.#series.clear();
    this.#series.set(key, found);
    return found;
  }

  #makeSeries(device: string, measurement: string, unit: string | null): Series | null {
    if (this.#counts.series >= SERIES_MAX) return null;
    this.#counts.series++;
    return this.#db.get<Series>(
      `INSERT INTO series (device, measurement, unit) VALUES (?, ?, ?)
       RETURNING series, unit, latest_us, latest_number`,
      device,
      measurement,
      unit,
    ) ?? null;
  }

  // --- writing ----------------------------------------------------------------------------------

  #write(gathered: Gathered): void {
    this.#writeRecent(gathered.readings);
    this.#writeLatest([...gathered.latest.values()]);
    for (const [series, unit] of gathered.units) {
      this.#db.run("UPDATE series SET unit = ? WHERE series = ?", unit, series);
    }
    for (const entry of gathered.predictions) this.#writePrediction(entry);
    for (const entry of gathered.attributes.values()) this.#writeAttribute(entry);
    this.#writeDevices([...gathered.devices.values()]);
  }

  #writeRecent(readings: Gathered["readings"]): void {
    const table = `recent_${this.#active}`;
    inParts(readings, ({ series, atUs, number, item, value, flags }) => {
      return [series, atUs, number, item, value, flags];
    }, (rows, values) => {
      const places = Array(rows).fill("(?, ?, ?, ?, ?, ?)").join(", ");
      this.#db.run(
        `INSERT INTO ${table} (series, at_us, number, item, value, flags) VALUES ${places}`,
        ...values,
      );
    });
  }

  #writeLatest(latest: Latest[]): void {
    latest.sort((a, b) => a.series - b.series);
    inParts(latest, ({ series, us, number, value, flags }) => {
      return [series, us, number, value, flags];
    }, (rows, values) => {
      const places = Array(rows).fill("(?, ?, ?, ?, ?)").join(", ");
      this.#db.run(
        `WITH new (series, us, number, value, flags) AS (VALUES ${places})
         UPDATE series SET latest_us = new.us, latest_number = new.number,
           latest_value = new.value, latest_flags = new.flags
         FROM new WHERE series.series = new.series`,
        ...values,
      );
    });
  }

  #writePrediction(
    { prediction, message, item }: { prediction: Prediction; message: StoredMessage; item: number },
  ): void {
    this.#db.run(
      `INSERT INTO predictions (device, at_us, number, item, label, score, avg_score, window, model,
         flags, received_us, seq, message_id, debug)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      prediction.device,
      prediction.at.us,
      message.number,
      item,
      prediction.label,
      prediction.score,
      prediction.avgScore,
      prediction.window,
      prediction.model,
      flagsToMask(prediction.flags),
      message.receivedUs,
      message.seq,
      message.id,
      prediction.debug === null ? null : JSON.stringify(prediction.debug),
    );
  }

  #writeAttribute({ attribute, number }: { attribute: Attribute; number: number }): void {
    const { device, name, value, at } = attribute;
    const changed = this.#db.run(
      `UPDATE attributes SET
         value = iif(at_us <= ?3, ?4, value), number = iif(at_us <= ?3, ?5, number),
         at_us = max(at_us, ?3)
       WHERE device = ?1 AND name = ?2`,
      device,
      name,
      at.us,
      value,
      number,
    );
    if (changed > 0) return;
    if (this.#counts.attributes >= ATTRIBUTES_MAX) {
      this.skipped++;
      return;
    }
    this.#counts.attributes++;
    this.#db.run(
      "INSERT INTO attributes (device, name, value, at_us, number) VALUES (?, ?, ?, ?, ?)",
      device,
      name,
      value,
      at.us,
      number,
    );
  }

  #writeDevices(devices: DeviceSeen[]): void {
    for (const seen of devices) if (!this.#devices.has(seen.device)) this.#addDevice(seen);
    const known = devices.filter((seen) => this.#devices.has(seen.device));
    inParts(known, ({ device, via, lastUs, messages }) => [device, via, lastUs, messages], (
      rows,
      values,
    ) => {
      const places = Array(rows).fill("(?, ?, ?, ?)").join(", ");
      this.#db.run(
        `WITH new (device, via, us, messages) AS (VALUES ${places})
         UPDATE devices SET via = new.via, last_seen_us = new.us,
           messages = devices.messages + new.messages
         FROM new WHERE devices.device = new.device`,
        ...values,
      );
    });
  }

  #addDevice({ device, via, firstUs }: DeviceSeen): void {
    if (this.#devices.size >= DEVICES_MAX) {
      this.skipped++;
      return;
    }
    this.#devices.add(device);
    this.#db.run(
      `INSERT OR IGNORE INTO devices (device, via, first_seen_us, last_seen_us, messages)
       VALUES (?, ?, ?, ?, 0)`,
      device,
      via,
      firstUs,
      firstUs,
    );
  }
}

/** Writes rows with statements of a bounded number of rows. */
function inParts<T>(
  entries: readonly T[],
  valuesOf: (entry: T) => SqlValue[],
  write: (rows: number, values: SqlValue[]) => void,
): void {
  for (let start = 0; start < entries.length; start += ROWS_PER_STATEMENT) {
    const part = entries.slice(start, start + ROWS_PER_STATEMENT);
    write(part.length, part.flatMap(valuesOf));
  }
}

/** Of two values of one time the one that came later counts. */
function isNewer(series: Series, atUs: number, number: number): boolean {
  if (series.latest_us === null || atUs > series.latest_us) return true;
  return atUs === series.latest_us && number >= series.latest_number;
}

function takeAttribute(gathered: Gathered, attribute: Attribute, number: number): void {
  const key = `${attribute.device}\n${attribute.name}`;
  const known = gathered.attributes.get(key);
  if (known !== undefined && known.attribute.at.us > attribute.at.us) return;
  gathered.attributes.set(key, { attribute, number });
}

function takeDevice(gathered: Gathered, device: string, message: StoredMessage): void {
  const known = gathered.devices.get(device);
  if (known !== undefined) {
    known.lastUs = message.receivedUs;
    known.messages++;
    return;
  }
  gathered.devices.set(device, {
    device,
    via: message.device,
    firstUs: message.receivedUs,
    lastUs: message.receivedUs,
    messages: 1,
  });
}
