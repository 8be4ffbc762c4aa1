/**
 * The one writer of the database: everything that changes a row goes through here. It runs in the
 * store Worker, and in the process of a command that works on a stopped gateway.
 *
 * One call of `commit` is one transaction: messages, dead letters of sources, session state, and the
 * settlements that waited. Memory (end of the log, windows, ledgers) is changed on the way; when the
 * transaction fails, every part takes the committed state back from the disk.
 *
 * On failure: the disk full → refused, the ballast is given back, writing is probed; an I/O error → the
 * connection is opened again; damage → `damage` says so, and the owner opens the writer anew, which
 * repairs. In each case every message of the transaction is refused, none is acknowledged.
 */
import type { NormalizeRules } from "@/model/rules.ts";
import type { Database } from "@/store/database.ts";
import { sqliteFailure } from "@/store/database.ts";
import { type AccessChange, applyAccess } from "@/store/auth_tables.ts";
import { applyStateOp } from "@/store/broker_state.ts";
import { Ballast } from "@/store/ballast.ts";
import { ballastPath, reasonOf } from "@/store/data_folder.ts";
import { type DeadChunk, DestinationLedger } from "@/store/destination_ledger.ts";
import { messageHash } from "@/store/duplicate_window.ts";
import { DuplicateWindows } from "@/store/duplicate_windows.ts";
import { HISTORY_CHUNK_ROWS, HistoryFiller } from "@/store/history_filler.ts";
import { HistoryMover } from "@/store/history_mover.ts";
import { HistoryRetention, SteadyClock } from "@/store/history_retention.ts";
import { IdempotencyKeys } from "@/store/idempotency_keys.ts";
import { FLAG_CLOCK_UNTRUSTED, FLAG_PREFIXED, MessageLog } from "@/store/message_log.ts";
import { openDatabase, type OpenedDatabase } from "@/store/open_database.ts";
import { applyOrderChange, checkOrderChange, type OrderChange } from "@/store/orders_table.ts";
import { keepLimits, prunableThrough, PRUNE_CHUNK_ROWS } from "@/store/prune_plan.ts";
import { type ClockReading, ReceptionClock } from "@/store/reception_clock.ts";
import { type Fullness, fullness, toError } from "@/store/room.ts";
import {
  applyDashboard,
  checkDashboardChange,
  type DashboardChange,
  type DashboardRemoval,
} from "@/store/dashboards_table.ts";
import { addAudit, setSetting } from "@/store/settings_table.ts";
import { SourceDeadLetters } from "@/store/source_dead_letters.ts";
import { Stamping } from "@/store/stamping.ts";
import type {
  AuditActor,
  AuditEntry,
  DeadFilter,
  DestinationCursor,
  Journey,
  LiveOptions,
  Settlement,
  Snapshot,
  SourceDeadFilter,
  StoreNotice,
} from "@/store/store_types.ts";
import type {
  CommitBatch,
  CommitOutcome,
  CommitResult,
  MessageColumns,
  WorkerOptions,
  WriterStatus,
} from "@/store/worker_protocol.ts";
import { parseMessageId } from "@/model/message.ts";

export type WriterOptions = Omit<WorkerOptions, "uptimeUs">;

/** What the writer needs of its surroundings. */
export interface WriterEnvironment {
  clock(): ClockReading;
  /** Free bytes of the file system of a path; null when it may not be asked. */
  freeBytes(path: string): number | null;
  notice(notice: StoreNotice): void;
  /** A cursor, a pause or a set of exceptions changed by something else than a settlement. */
  destinationsChanged(): void;
  /** Exceptions of a destination wait to be sent again. */
  retriesAdded(destination: string): void;
}

interface WaitingSettlement {
  settlement: Settlement;
  done: (error: Error | null) => void;
}

/** Between two looks at the file system when little is written. */
const ROOM_INTERVAL_US = 1_000_000;
/** Bytes of messages after which the file system is looked at in any case; asking takes 10 µs. */
const ROOM_BYTES = 1_048_576;
/** Windows are saved at least this often while there is something to save. */
const WINDOWS_INTERVAL_US = 60_000_000;
/** Between two looks for idempotency keys that are too old. */
const KEYS_INTERVAL_US = 60_000_000;
/** Between two rounds of deleting old history. */
const RETAIN_INTERVAL_US = 600_000_000;
const BALLAST_BYTES = 8 * 1_048_576;
/** `drop_oldest` that cannot keep up, or waits for the history, refuses above this share. */
const DROP_SHARE = 1.1;

export class LogWriter {
  readonly #db: Database;
  readonly #environment: WriterEnvironment;
  #options: WriterOptions;
  readonly #log: MessageLog;
  readonly #windows: DuplicateWindows;
  readonly #keys: IdempotencyKeys;
  readonly #ledger: DestinationLedger;
  readonly #sourceDead: SourceDeadLetters;
  readonly #history: HistoryFiller;
  readonly #mover: HistoryMover;
  readonly #retention: HistoryRetention;
  readonly #steady: SteadyClock;
  readonly #stamping: Stamping;
  readonly #ballast: Ballast;
  readonly #salvaged: OpenedDatabase["salvaged"];
  readonly #boot: number;
  #clock: ReceptionClock;
  #reading: ClockReading;
  #firstReceiver: string | null = null;
  #waiting: WaitingSettlement[] = [];
  #full: Fullness | null = null;
  #writeError: string | null = null;
  #damage: string | null = null;
  #freeBytes: number | null = null;
  #diskBytes = 0;
  #roomAtUs = -Infinity;
  #bytesAtRoom = 0;
  #windowsAtUs: number;
  #keysAtUs = 0;
  #retainAtUs = 0;
  #skippedNoticed = 0;

  private constructor(
    opened: OpenedDatabase,
    { options, environment }: { options: WriterOptions; environment: WriterEnvironment },
  ) {
    this.#db = opened.database;
    this.#salvaged = opened.salvaged;
    this.#options = options;
    this.#environment = environment;
    this.#reading = environment.clock();
    this.#boot = opened.boot;
    this.#log = new MessageLog(this.#db);
    this.#windows = new DuplicateWindows(this.#db);
    this.#keys = new IdempotencyKeys(this.#db);
    this.#ledger = new DestinationLedger(this.#db, this.#log);
    this.#sourceDead = new SourceDeadLetters(this.#db);
    this.#history = new HistoryFiller(this.#db, this.#log);
    this.#mover = new HistoryMover(this.#db);
    this.#retention = new HistoryRetention(this.#db);
    this.#steady = new SteadyClock(this.#reading);
    this.#stamping = new Stamping(this.#db, {
      log: this.#log,
      boot: this.#boot,
      reading: this.#reading,
    });
    this.#ballast = new Ballast(ballastPath(options.dataDir), BALLAST_BYTES);
    this.#clock = this.#newClock();
    this.#windowsAtUs = this.#reading.monotonicUs;
    this.#firstReceiver = this.#readFirstReceiver();
  }

  /**
   * Opens (makes, migrates, repairs) the database of a data folder; the caller holds its lock.
   * `suspect` says why a full check is due.
   */
  static async open(
    options: WriterOptions,
    environment: WriterEnvironment,
    { suspect = null }: { suspect?: string | null } = {},
  ): Promise<LogWriter> {
    const opened = await openDatabase({
      dataDir: options.dataDir,
      fullSync: options.durability === "full",
      bootId: options.bootId,
      wallMs: environment.clock().wallUs / 1000,
      suspect,
      notice: (notice) => environment.notice(notice),
      releaseBallast: () => new Ballast(ballastPath(options.dataDir), BALLAST_BYTES).release(),
    });
    const writer = new LogWriter(opened, { options, environment });
    writer.#lookAtRoom();
    return writer;
  }

  #newClock(): ReceptionClock {
    return new ReceptionClock({
      buildUs: this.#options.buildTimeMs * 1000,
      newestUs: this.#log.newestUs,
      reading: this.#reading,
    });
  }

  #readFirstReceiver(): string | null {
    const sql = "SELECT value FROM meta WHERE key = 'first_receiver'";
    return this.#db.get<{ value: string }>(sql)?.value ?? null;
  }

  get database(): Database {
    return this.#db;
  }

  /** What is wrong with the database file; null while nothing is known to be. */
  get damage(): string | null {
    return this.#damage;
  }

  get hasWaitingSettlements(): boolean {
    return this.#waiting.length > 0;
  }

  get status(): WriterStatus {
    return {
      full: this.#full,
      clockTrusted: this.#clock.trusted,
      lastNumber: this.#log.lastNumber,
      stampedThrough: this.#stamping.stampedThrough,
      epochHex: this.#log.epochHex,
      diskBytes: this.#diskBytes,
      freeBytes: this.#freeBytes,
      queuedBytes: this.#queuedBytes(),
      salvaged: this.#salvaged,
    };
  }

  // --- the commit -------------------------------------------------------------------------------

  /** One group commit; never throws. */
  commit(batch: CommitBatch): CommitResult {
    const startedMs = performance.now();
    this.#observeClock();
    const seconds = () => (performance.now() - startedMs) / 1000;
    try {
      const outcome = this.#transaction(() => this.#write(batch));
      this.#lookAtRoomWhenDue();
      return { outcome, error: null, seconds: seconds(), status: this.status };
    } catch (error) {
      return {
        outcome: null,
        error: this.#refusal(error),
        seconds: seconds(),
        status: this.status,
      };
    }
  }

  #write({ messages, rejections, stateOps }: CommitBatch): CommitOutcome {
    const outcome = this.#append(messages);
    const letter = {
      atMs: Math.floor(this.#clock.nowUs / 1000),
      countMax: this.#options.sourceDeadMax,
    };
    for (const rejection of rejections) this.#sourceDead.add(rejection, letter);
    for (const op of stateOps) applyStateOp(this.#db, op);
    return outcome;
  }

  #append(columns: MessageColumns): CommitOutcome {
    const count = columns.devices.length;
    const outcome: CommitOutcome = {
      numbers: new Float64Array(count),
      receivedUs: new Float64Array(count),
      flags: new Uint8Array(count),
      duplicateIds: [],
    };
    for (let i = 0; i < count; i++) this.#appendOne(columns, i, outcome);
    this.#log.flush();
    return outcome;
  }

  #appendOne(columns: MessageColumns, i: number, outcome: CommitOutcome): void {
    const device = columns.devices[i] ?? "";
    const payload = columns.payloads[i] ?? "";
    const seq = columns.seqs[i] ?? null;
    const key = columns.idempotencyKeys[i] ?? null;
    const firstId = key === null ? null : this.#keys.find(key, this.#clock.nowUs);
    if (firstId !== null) {
      outcome.duplicateIds.push([i, firstId]);
      return;
    }
    const hash = seq === null
      ? 0
      : messageHash(payload, columns.sentUs[i] ?? null, columns.sentNs[i] ?? 0);
    if (seq !== null && this.#windows.isDuplicate(device, seq, hash)) return;
    const ageUs = columns.agesUs[i] ?? 0;
    const receivedUs = this.#clock.stamp(ageUs);
    const flags = this.#flagsOf(device, columns.fromReceiver[i] ?? false);
    const number = this.#log.append({
      source: columns.sources[i] ?? 0,
      sourceName: columns.sourceNames[i] ?? "",
      device,
      seq,
      hash,
      receivedUs,
      wallUs: Math.floor(this.#reading.wallUs - ageUs),
      boot: this.#boot,
      monoUs: Math.floor(this.#reading.monotonicUs - ageUs),
      flags,
      traceId: columns.traceIds[i] ?? null,
      topic: columns.topics[i] ?? "",
      payload,
    });
    if ((flags & FLAG_CLOCK_UNTRUSTED) !== 0) this.#stamping.taken(number);
    if (key !== null) this.#keys.add(key, this.#log.idOf(number), this.#clock.nowUs);
    outcome.numbers[i] = number;
    outcome.receivedUs[i] = receivedUs;
    outcome.flags[i] = flags;
  }

  #flagsOf(device: string, fromReceiver: boolean): number {
    const clock = this.#clock.trusted ? 0 : FLAG_CLOCK_UNTRUSTED;
    if (!fromReceiver) return clock;
    if (this.#firstReceiver === null) this.#setFirstReceiver(device);
    return device === this.#firstReceiver ? clock : clock | FLAG_PREFIXED;
  }

  /** The first receiver ever seen names its nodes plainly; all others' are prefixed, for good. */
  #setFirstReceiver(device: string): void {
    this.#db.run("INSERT INTO meta (key, value) VALUES ('first_receiver', ?)", device);
    this.#firstReceiver = device;
  }

  // --- transactions -----------------------------------------------------------------------------

  /** Runs `work` together with the settlements that wait; calls their `done` after the commit. */
  #transaction<T>(work: () => T): T {
    const waiting = this.#waiting;
    this.#waiting = [];
    const saveWindows = this.#windows.needsSave;
    try {
      const { result, errors } = this.#db.transaction(() => {
        const result = work();
        if (saveWindows) this.#windows.save(this.#log.lastNumber);
        return { result, errors: this.#applySettlements(waiting) };
      });
      this.#written();
      if (saveWindows) this.#windowsSaved();
      waiting.forEach((entry, i) => this.#settled(entry, errors[i] ?? null));
      return result;
    } catch (error) {
      this.#waiting = [...waiting, ...this.#waiting];
      this.#recover(error);
      throw error;
    }
  }

  /** A transaction of what can be derived again: without settlements, without an fsync. */
  #relaxed<T>(work: () => T): T {
    try {
      return this.#db.transaction(work, { relaxed: true });
    } catch (error) {
      this.#recover(error);
      throw error;
    }
  }

  #applySettlements(waiting: WaitingSettlement[]): (Error | null)[] {
    const nowMs = Math.floor(this.#clock.nowUs / 1000);
    return waiting.map(({ settlement }) => {
      try {
        this.#ledger.settle(settlement, nowMs);
        return null;
      } catch (error) {
        // one that does not fit was refused before it wrote; anything else ends the transaction
        if (error instanceof Error && sqliteFailure(error) === null && "code" in error) {
          return error;
        }
        throw error;
      }
    });
  }

  #settled({ settlement, done }: WaitingSettlement, error: Error | null): void {
    if (error === null) this.#ledger.settled(settlement);
    done(error);
  }

  #windowsSaved(): void {
    this.#windows.saved(this.#log.lastNumber);
    this.#windowsAtUs = this.#reading.monotonicUs;
  }

  #written(): void {
    if (this.#writeError === null) return;
    this.#writeError = null;
    this.#lookAtRoom();
  }

  /** After a failed transaction: what was said in memory is taken back. */
  #recover(error: unknown): void {
    const failure = sqliteFailure(error);
    if (failure === "damaged") this.#damage ??= reasonOf(error);
    if (failure === "full" || failure === "io") this.#writeError = reasonOf(error);
    if (failure === "full" && this.#ballast.release()) {
      this.#notice("warn", "STO-0205", "The disk is full: the reserve was given back for draining");
    }
    if (failure === "other" || failure === null) {
      this.#notice("error", "STO-0206", `Cannot commit: ${reasonOf(error)}`);
    }
    try {
      if (failure === "io") this.#db.reopen();
      this.#reload();
    } catch (second) {
      this.#writeError ??= reasonOf(second);
      if (sqliteFailure(second) === "damaged") this.#damage ??= reasonOf(second);
    }
    this.#full = fullness(this.#roomReading(), this.#roomLimits(), this.#full !== null);
  }

  #reload(): void {
    this.#log.reload();
    this.#windows.reload();
    this.#ledger.reload();
    this.#sourceDead.reload();
    this.#history.reload();
    this.#mover.reload();
    this.#stamping.reload();
    this.#firstReceiver = this.#readFirstReceiver();
    this.#clock = this.#newClock();
  }

  #refusal(error: unknown): Fullness {
    if (this.#full !== null) return this.#full;
    return {
      code: "STO-0206",
      message: `Cannot commit: ${reasonOf(error)}`,
      hint: "Nothing of it was acknowledged, senders repeat it; see the log for the cause",
      retryAfterSeconds: 5,
    };
  }

  #notice(level: StoreNotice["level"], code: string, message: string): void {
    const hint = "See the troubleshooting page of the documentation for this code";
    this.#environment.notice({ level, code, message, hint });
  }

  // --- forwarding -------------------------------------------------------------------------------

  cursors(): DestinationCursor[] {
    return this.#ledger.cursors();
  }

  lease(name: string, throughNumber: number, retryNumbers: readonly number[]): void {
    this.#ledger.lease(name, throughNumber, retryNumbers);
  }

  release(name: string): void {
    this.#ledger.release(name);
  }

  releaseAll(): void {
    this.#ledger.releaseAll();
  }

  /** Applies the settlement with the next commit, or with `flush`. */
  settleLater(settlement: Settlement, done: (error: Error | null) => void): void {
    this.#waiting.push({ settlement, done });
  }

  /** Commits the settlements that wait; false when that failed and they still wait. */
  flush(): boolean {
    if (this.#waiting.length === 0) return true;
    this.#observeClock();
    try {
      this.#transaction(() => undefined);
      return true;
    } catch {
      return false;
    }
  }

  // --- upkeep -----------------------------------------------------------------------------------

  #observeClock(): void {
    this.#reading = this.#environment.clock();
    if (this.#clock.observe(this.#reading)) {
      this.#notice("info", "STO-0401", "The clock is trusted now");
    }
  }

  /**
   * One piece of upkeep, a few milliseconds: times, history, pruning, what falls due each second.
   * True when more waits. Never throws: what fails is said by `status` and `damage`.
   * `isBusy`: commits keep coming, pieces must be small.
   */
  maintain(isBusy = false): boolean {
    this.#observeClock();
    try {
      this.#lookAtRoomWhenDue();
      if (this.#writeError !== null) return this.#probe();
      return this.#stamp() || this.#fillHistory(isBusy) || this.#dropOldest() || this.#prune() ||
        this.#moveHistory() || this.#saveWindowsWhenDue() || this.#forgetKeys() || this.#retain();
    } catch {
      return false;
    }
  }

  /** Tries whether writing works again. */
  #probe(): boolean {
    const value = String(Math.floor(this.#reading.wallUs / 1000));
    this.#transaction(() =>
      this.#db.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', ?)", value)
    );
    return true;
  }

  #stamp(): boolean {
    if (this.#clock.trusted && this.#stamping.isPending) {
      this.#relaxed(() => this.#stamping.stampChunk(this.#reading));
      return true;
    }
    if (!this.#clock.trusted && this.#stamping.isOverdue(this.#reading)) {
      this.#transaction(() => this.#stamping.letGo());
      this.#notice("warn", "STO-0402", "The clock is still not trusted: messages go on, flagged");
      return true;
    }
    return false;
  }

  #fillHistory(isBusy: boolean): boolean {
    const through = this.#stamping.stampedThrough;
    if (this.#history.cursor >= through) return false;
    // larger chunks cost less per message, and longer waits per commit
    const rowsMax = isBusy ? HISTORY_CHUNK_ROWS : 2 * HISTORY_CHUNK_ROWS;
    try {
      this.#history.fill(through, this.#options.normalize, rowsMax);
    } catch (error) {
      this.#recover(error);
      throw error;
    }
    this.#noticeSkipped();
    return true;
  }

  #moveHistory(): boolean {
    const { monotonicUs } = this.#reading;
    const { seriesCount } = this.#history;
    const moved = this.#relaxed(() => this.#mover.step({ seriesCount, monotonicUs }));
    this.#history.useTable(this.#mover.active);
    return moved;
  }

  #noticeSkipped(): void {
    const { skipped } = this.#history;
    if (skipped < this.#skippedNoticed * 2 || skipped === this.#skippedNoticed) return;
    this.#skippedNoticed = skipped;
    this.#notice("warn", "STO-0403", `${skipped} values were not taken into the history so far`);
  }

  #dropOldest(): boolean {
    if (this.#options.whenFull !== "drop_oldest") return false;
    const lowest = this.#ledger.lowestCursor;
    if (lowest === null || this.#queuedBytes() < this.#options.queueBytesMax) return false;
    const through = Math.min(lowest + PRUNE_CHUNK_ROWS, this.#history.cursor);
    if (through <= lowest) return false;
    this.#transaction(() => this.#ledger.dropThrough(through));
    this.#environment.destinationsChanged();
    return true;
  }

  #prune(): boolean {
    const bounds = {
      lowestCursor: this.#ledger.lowestCursor,
      historyCursor: this.#history.cursor,
      windowsThrough: this.#windows.savedThrough,
      stampedThrough: this.#stamping.stampedThrough,
    };
    const bound = prunableThrough(bounds);
    const through = this.#keptNoLonger(bound);
    if (through === 0) {
      return this.#spaceIsShort() && prunableThrough({ ...bounds, windowsThrough: Infinity }) >
          bound &&
        this.#saveWindows();
    }
    this.#relaxed(() => this.#log.deleteThrough(through));
    return true;
  }

  /** The last of the next chunk of rows that may and should go; 0 when there is none. */
  #keptNoLonger(bound: number): number {
    const limits = keepLimits(
      {
        keepMs: this.#options.keepMs,
        keepBytesMax: this.#options.keepBytesMax,
        spaceIsShort: this.#spaceIsShort(),
      },
      { nowUs: this.#clock.nowUs, boundBytes: this.#log.bytesAt(bound) },
    );
    return this.#db.number(
      `SELECT max(number) FROM (SELECT number, received_us, offset_bytes FROM messages
         WHERE number <= ? ORDER BY number LIMIT ${PRUNE_CHUNK_ROWS})
       WHERE received_us < ? OR offset_bytes <= ?`,
      bound,
      limits.receivedBeforeUs,
      limits.offsetThrough,
    );
  }

  #spaceIsShort(): boolean {
    const { freeBytes, freeBytesMin } = { ...this.#options, freeBytes: this.#freeBytes };
    return this.#writeError !== null || (freeBytes !== null && freeBytes < freeBytesMin);
  }

  #saveWindowsWhenDue(): boolean {
    const isDue = this.#reading.monotonicUs - this.#windowsAtUs >= WINDOWS_INTERVAL_US;
    return isDue && this.#windows.savedThrough < this.#log.lastNumber && this.#saveWindows();
  }

  #saveWindows(): boolean {
    this.#relaxed(() => this.#windows.save(this.#log.lastNumber));
    this.#windowsSaved();
    return true;
  }

  #forgetKeys(): boolean {
    const { monotonicUs } = this.#reading;
    if (monotonicUs < this.#keysAtUs) return false;
    const more = this.#relaxed(() => this.#keys.prune(this.#clock.nowUs)) > 0;
    if (!more) this.#keysAtUs = monotonicUs + KEYS_INTERVAL_US;
    return more;
  }

  /** A round looks at every series; with thousands of them it must not follow on itself. */
  #retain(): boolean {
    const isSteady = this.#steady.isSteady(this.#reading);
    const { monotonicUs } = this.#reading;
    if (!this.#clock.trusted || !isSteady || monotonicUs < this.#retainAtUs) return false;
    const keep = this.#options.history;
    const more = this.#relaxed(() => this.#retention.deleteChunk(keep, this.#clock.nowUs));
    if (!more) this.#retainAtUs = monotonicUs + RETAIN_INTERVAL_US;
    return more;
  }

  // --- room -------------------------------------------------------------------------------------

  #queuedBytes(): number {
    const { logBytes, exceptionBytes } = this.#ledger.holder();
    const historyBytes = this.#log.head.lastBytes - this.#history.cursorBytes;
    return Math.max(logBytes, historyBytes) + exceptionBytes;
  }

  #lookAtRoomWhenDue(): void {
    const elapsedUs = this.#reading.monotonicUs - this.#roomAtUs;
    const bytes = this.#log.head.lastBytes - this.#bytesAtRoom;
    if (elapsedUs >= ROOM_INTERVAL_US || bytes >= ROOM_BYTES) this.#lookAtRoom();
    else this.#full = fullness(this.#roomReading(), this.#roomLimits(), this.#full !== null);
  }

  #lookAtRoom(): void {
    this.#roomAtUs = this.#reading.monotonicUs;
    this.#bytesAtRoom = this.#log.head.lastBytes;
    const path = this.#db.path;
    this.#diskBytes = fileBytes(path) + fileBytes(`${path}-wal`);
    const diskFree = this.#environment.freeBytes(this.#options.dataDir);
    const unused = this.#db.number("PRAGMA freelist_count") * this.#db.number("PRAGMA page_size");
    this.#freeBytes = diskFree === null ? null : diskFree + unused;
    this.#full = fullness(this.#roomReading(), this.#roomLimits(), this.#full !== null);
    const spare = this.#options.freeBytesMin + this.#ballast.bytes;
    if (this.#full === null && (diskFree === null || diskFree > spare)) this.#ballast.ensure();
  }

  #roomReading() {
    const { row } = this.#ledger.holder();
    return {
      freeBytes: this.#freeBytes,
      queuedBytes: this.#queuedBytes(),
      holder: row === null
        ? null
        : { name: row.name, removed: row.removed !== 0, paused: row.paused !== 0 },
      writeError: this.#writeError,
    };
  }

  #roomLimits() {
    const { queueBytesMax, freeBytesMin, whenFull } = this.#options;
    const share = whenFull === "drop_oldest" ? DROP_SHARE : 1;
    return { queueBytesMax: queueBytesMax * share, freeBytesMin };
  }

  // --- acts of operators ------------------------------------------------------------------------

  configure(options: LiveOptions): void {
    this.#options = { ...this.#options, ...options };
    this.#lookAtRoom();
  }

  syncDestinations(names: string[]): void {
    this.#act(() => this.#ledger.sync(names));
  }

  forgetDestination(name: string): void {
    this.#act(() => this.#ledger.forget(name));
  }

  pauseDestination(name: string, paused: boolean): void {
    this.#act(() => this.#ledger.pause(name, paused));
  }

  /** A change that the forward Worker has to hear of. */
  #act(work: () => void): void {
    this.#observeClock();
    this.#transaction(work);
    this.#environment.destinationsChanged();
  }

  async backfillDestination(
    name: string,
    { fromUs, throughUs }: { fromUs: number; throughUs: number },
  ): Promise<number> {
    this.#ledger.require(name);
    let after = this.#log.numberAt(fromUs) - 1;
    const through = this.#log.numberAt(throughUs + 1) - 1;
    let total = 0;
    while (after < through) {
      const range = { after, through };
      const { reached, given } = this.#transaction(() => this.#ledger.backfillChunk(name, range));
      after = reached;
      total += given;
      this.#environment.retriesAdded(name);
      await nextTurn();
    }
    return total;
  }

  async replayDead(filter: DeadFilter, { payload }: { payload?: string }): Promise<number> {
    if (payload === undefined) {
      return await this.#inChunks((afterId) => {
        const chunk = this.#transaction(() => this.#ledger.replayChunk(filter, afterId));
        for (const name of chunk.destinations) this.#environment.retriesAdded(name);
        return chunk;
      });
    }
    const chunk = this.#transaction(() => {
      this.#ledger.editPayload(filter, payload);
      return this.#ledger.replayChunk(filter, 0);
    });
    for (const name of chunk.destinations) this.#environment.retriesAdded(name);
    return chunk.count;
  }

  async purgeDead(filter: DeadFilter, by: AuditActor | null): Promise<number> {
    const count = await this.#inChunks((afterId) =>
      this.#transaction(() => this.#ledger.purgeChunk(filter, afterId))
    );
    if (by === null) return count;
    const detail = `${count} purged, filter ${JSON.stringify(filter)}`;
    this.#auditPurge(by, { action: "dead_purge", subject: filter.destination ?? "all", detail });
    return count;
  }

  async #inChunks(work: (afterId: number) => DeadChunk): Promise<number> {
    let total = 0;
    for (let afterId: number | null = 0; afterId !== null;) {
      const chunk: DeadChunk = work(afterId);
      total += chunk.count;
      afterId = chunk.lastId;
      await nextTurn();
    }
    return total;
  }

  async deleteSourceDead(filter: SourceDeadFilter, by: AuditActor | null): Promise<number> {
    let total = 0;
    for (;;) {
      const gone = this.#transaction(() => this.#sourceDead.deleteChunk(filter));
      total += gone;
      if (gone === 0) break;
      await nextTurn();
    }
    if (by !== null) {
      const detail = `${total} deleted, filter ${JSON.stringify(filter)}`;
      this.#auditPurge(by, { action: "source_dead_purge", subject: "sources", detail });
    }
    return total;
  }

  #auditPurge({ name, address }: AuditActor, act: Omit<AuditEntry, "actor">): void {
    this.audit({ ...act, actor: name, address });
  }

  audit(entry: AuditEntry): void {
    const atMs = Math.floor(this.#clock.nowUs / 1000);
    const line = { detail: "", address: "", ...entry, atMs, outcome: "ok" as const };
    this.#transaction(() => addAudit(this.#db, line));
  }

  commitAccess(changes: AccessChange[]): void {
    this.#transaction(() => applyAccess(this.#db, changes));
  }

  changeDashboard(change: DashboardChange | DashboardRemoval, trail: AccessChange[]): void {
    const atMs = Math.floor(this.#clock.nowUs / 1000);
    checkDashboardChange(this.#db, change);
    this.#transaction(() => {
      applyDashboard(this.#db, change, atMs);
      applyAccess(this.#db, trail);
    });
  }

  changeOrder(change: OrderChange, trail: AccessChange[]): void {
    const atMs = Math.floor(this.#clock.nowUs / 1000);
    checkOrderChange(this.#db, change);
    this.#transaction(() => {
      applyOrderChange(this.#db, change, atMs);
      applyAccess(this.#db, trail);
    });
  }

  setSetting(key: string, value: string | null): void {
    const atMs = Math.floor(this.#clock.nowUs / 1000);
    this.#transaction(() => setSetting(this.#db, { key, value, atMs }));
  }

  // --- what is seen -----------------------------------------------------------------------------

  snapshot(): Snapshot {
    return {
      ledgers: this.#ledger.ledgers(),
      sourceDead: this.#sourceDead.count,
      sourceDeadEvicted: this.#sourceDead.evicted,
      lastNumber: this.#log.lastNumber,
    };
  }

  /** null when the id is none of this store's. */
  journey(id: string): Journey | null {
    const parsed = parseMessageId(id);
    if (parsed === null || parsed.number < 1 || parsed.number > this.#log.lastNumber) return null;
    if (this.#log.idOf(parsed.number) !== id) return null;
    const { number } = parsed;
    return {
      id,
      message: this.#log.message(number) ?? this.#ledger.exceptionMessage(number),
      deliveries: this.#ledger.deliveries(number),
    };
  }

  /** Saves what is only in memory and closes; the next start knows that nothing was cut off. */
  close(): void {
    try {
      this.flush();
      this.#transaction(() => {
        this.#windows.save(this.#log.lastNumber);
        this.#db.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('run_clean', '1')");
      });
      this.#db.get("PRAGMA wal_checkpoint(PASSIVE)");
    } catch {
      // the state is that of the last commit; the next start finds it so
    } finally {
      this.#db.close();
    }
  }

  /** Closes as a kill would leave it. */
  abandon(): void {
    this.#db.close();
  }

  get rules(): NormalizeRules {
    return this.#options.normalize;
  }
}

function fileBytes(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

/** Lets other messages of the thread through between two chunks. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

export { toError };
