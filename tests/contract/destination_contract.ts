/**
 * What every destination must do (forward/destination.ts), run against each real one and against
 * the fake that other tests rely on.
 */
import assert from "node:assert/strict";
import type { BatchEntry, Destination, DestinationEvents } from "@/forward/destination.ts";
import type { FilterOptions, Notice } from "@/forward/forward_types.ts";
import { PermanentError, SluiceError, TransientError } from "@/model/errors.ts";
import { batchEntry } from "@/tests/helpers/log_rows.ts";
import { until } from "@/tests/helpers/until.ts";

/** A reading as it is found at the other side. */
export interface FoundReading {
  device: string;
  measurement: string;
  value: number;
  /** ms since 1970; null where the other side keeps no time. */
  atMs: number | null;
}

/** One kind of destination with its other side, which can be made to fail. */
export interface DestinationRig extends AsyncDisposable {
  open(events: DestinationEvents, filter: FilterOptions): Destination;
  /** Everything that the other side holds now, in the order of arrival where it has one. */
  readings(): Promise<FoundReading[]>;
  fault(mode: "pass" | "refuse" | "hang"): Promise<void>;
  /** Breaks all connections now. */
  cut(): void | Promise<void>;
}

export interface ContractTraits {
  /** A re-sent message is held twice: the other side cannot know it. */
  repeats: boolean;
  /** Holds a connection whose loss it must tell. */
  connected: boolean;
  /** Keeps every double; otherwise only those of normal size. */
  keepsExtremes: boolean;
  /** Content that the other side refuses; null where it takes everything. */
  poison: ((number: number) => BatchEntry) | null;
}

interface Session extends AsyncDisposable {
  rig: DestinationRig;
  destination: Destination;
  lost: TransientError[];
  notices: Omit<Notice, "destination">[];
}

/** For other sides that are there: bounds a hang of the test, nothing depends on it. */
const PATIENCE_MS = 30_000;
const EVERYTHING: FilterOptions = { devices: [], measurements: [] };
const VALUES = [26.7, -40, 0, 0.1, 1013.25, 26, 101169, 1e-7, 123456789.123, -1e21];
const EXTREMES = [5e-324, 1.7976931348623157e308, 0.1 + 0.2, Number.MAX_SAFE_INTEGER];

/** Registers the suite's tests under the destination's name. */
export function destinationContract(
  name: string,
  { start, traits }: { start: () => Promise<DestinationRig>; traits: ContractTraits },
): void {
  const test = (what: string, body: (session: Session) => Promise<void>, filter = EVERYTHING) =>
    Deno.test(`${name}: ${what}`, async () => {
      await using session = await begin(start, filter);
      await body(session);
    });

  test("values, names and times arrive as they were sent", (session) =>
    writesExactly(session, traits));
  test("the order of a batch is kept", keepsOrder);
  test("a batch sent again does no harm", (session) => sendsAgain(session, traits));
  test("what a filter leaves out is not wanted", filtersDevices, {
    devices: ["green*"],
    measurements: ["temperature"],
  });
  test("a server that is away is a transient error, and reached when it is back", comesBack);
  test("a server that hangs is left when the time is up, and reached when it answers", hangs);
  test("a hang in the middle of a write decides nothing false", hangsInWrite);
  test("a test tells what it found and writes nothing", testsWithoutData);
  test("closing twice, or before the start, is fine", closesTwice);
  if (traits.connected) test("the loss of an idle connection is told", tellsLoss);
  const { poison } = traits;
  if (poison) test("content that is refused is told apart", (session) => refuses(session, poison));
}

async function begin(start: () => Promise<DestinationRig>, filter: FilterOptions) {
  const rig = await start();
  const lost: TransientError[] = [];
  const notices: Omit<Notice, "destination">[] = [];
  const destination = rig.open({
    lost: (error) => lost.push(error),
    notice: (notice) => notices.push(notice),
  }, filter);
  return {
    rig,
    destination,
    lost,
    notices,
    async [Symbol.asyncDispose]() {
      await destination.close(patience());
      await rig[Symbol.asyncDispose]();
    },
  };
}

async function writesExactly({ rig, destination }: Session, traits: ContractTraits): Promise<void> {
  const sent = traits.keepsExtremes ? [...VALUES, ...EXTREMES] : VALUES;
  const batch = sent.map((value, index) =>
    batchEntry(index + 1, { device: `dev-${index}`, values: { temperature: value } })
  );
  await destination.prepare(patience());
  const result = await destination.write(batch, patience());
  assert.deepEqual(result, { decided: batch.length, rejected: [], interrupted: null });
  const found = await settled(rig, batch.length);
  const byDevice = new Map(found.map((reading) => [reading.device, reading]));
  for (const [index, { message }] of batch.entries()) {
    const reading = byDevice.get(`dev-${index}`);
    assert.equal(reading?.value, sent[index]);
    assert.equal(reading?.measurement, "temperature");
    if (reading?.atMs !== null) assert.equal(reading?.atMs, message.receivedUs / 1000);
  }
}

async function keepsOrder({ rig, destination }: Session): Promise<void> {
  const batch = numbered(1, 1500);
  await destination.prepare(patience());
  assert.equal((await destination.write(batch, patience())).decided, batch.length);
  const found = await settled(rig, batch.length);
  assert.deepEqual(found.map(({ value }) => value), batch.map(({ message }) => message.number));
}

async function sendsAgain({ rig, destination }: Session, traits: ContractTraits): Promise<void> {
  const batch = numbered(1, 20);
  await destination.prepare(patience());
  await destination.write(batch, patience());
  const again = await destination.write(batch, patience());
  assert.deepEqual(again, { decided: 20, rejected: [], interrupted: null });
  await destination.write(numbered(21, 1), patience());
  const found = await settled(rig, traits.repeats ? 41 : 21);
  assert.equal(new Set(found.map(({ value }) => value)).size, 21);
}

async function filtersDevices({ rig, destination }: Session): Promise<void> {
  const values = { temperature: 1, humidity: 2 };
  const wanted = batchEntry(1, { device: "greenhouse", values });
  assert(destination.wants(wanted));
  assert(!destination.wants(batchEntry(2, { device: "shed", values })));
  assert(!destination.wants(batchEntry(3, { device: "greenhouse", values: { humidity: 2 } })));
  await destination.prepare(patience());
  await destination.write([wanted], patience());
  const found = await settled(rig, 1);
  assert.deepEqual(found.map(({ measurement }) => measurement), ["temperature"]);
}

async function comesBack({ rig, destination }: Session): Promise<void> {
  await rig.fault("refuse");
  const attempt = async () => {
    await destination.prepare(patience());
    const { interrupted } = await destination.write(numbered(1, 1), patience());
    if (interrupted !== null) throw interrupted;
  };
  await rejectsWell(attempt());
  await rejectsWell(attempt());
  await rig.fault("pass");
  await attempt();
  assert.equal((await settled(rig, 1)).length, 1);
}

async function hangs({ rig, destination }: Session): Promise<void> {
  await rig.fault("hang");
  const limit = new AbortController();
  const attempt = (async () => {
    await destination.prepare(limit.signal);
    const { interrupted } = await destination.write(numbered(1, 1), limit.signal);
    if (interrupted !== null) throw interrupted;
  })();
  const abort = setTimeout(() => limit.abort(), 50); // the hang has no other end
  await rejectsWell(attempt);
  clearTimeout(abort);
  await rig.fault("pass");
  await destination.prepare(patience());
  assert.equal((await destination.write(numbered(1, 1), patience())).decided, 1);
  assert.equal((await settled(rig, 1)).length, 1);
}

async function hangsInWrite({ rig, destination }: Session): Promise<void> {
  await destination.prepare(patience());
  assert.equal((await destination.write(numbered(1, 3), patience())).decided, 3);
  await rig.fault("hang");
  const limit = new AbortController();
  const writing = destination.write(numbered(4, 600), limit.signal).catch((error) => {
    assert(error instanceof TransientError);
    return { decided: 0, interrupted: error };
  });
  const abort = setTimeout(() => limit.abort(), 50);
  const result = await writing;
  clearTimeout(abort);
  assert(result.interrupted instanceof TransientError);
  await rig.fault("pass");
  await destination.prepare(patience());
  const rest = numbered(4 + result.decided, 600 - result.decided);
  assert.equal((await destination.write(rest, patience())).decided, rest.length);
  const found = await until(async () => {
    const values = new Set((await rig.readings()).map(({ value }) => value));
    return values.size >= 603 ? values : null;
  }, { what: "all readings are there", timeoutMs: PATIENCE_MS });
  assert.equal(found.size, 603);
}

async function testsWithoutData({ rig, destination }: Session): Promise<void> {
  assert.match(await destination.test(patience()), /\w/);
  assert.deepEqual(await rig.readings(), []);
  await rig.fault("refuse");
  await rejectsWell(destination.test(patience()));
}

async function closesTwice({ destination }: Session): Promise<void> {
  await destination.close(patience());
  await destination.prepare(patience());
  await destination.close(patience());
  await destination.close(patience());
}

async function tellsLoss({ rig, destination, lost }: Session): Promise<void> {
  await destination.prepare(patience());
  await rig.cut();
  await until(() => lost.length > 0, { what: "the loss is told" });
  assert(lost[0] instanceof TransientError);
  await destination.prepare(patience());
  assert.equal((await destination.write(numbered(1, 1), patience())).decided, 1);
}

async function refuses(
  { rig, destination }: Session,
  poison: (number: number) => BatchEntry,
): Promise<void> {
  await destination.prepare(patience());
  const batch = [...numbered(1, 2), poison(3), ...numbered(4, 2)];
  const result = await destination.write(batch, patience()).catch((error) => {
    assert(error instanceof PermanentError);
    return { decided: 0, rejected: [], interrupted: error };
  });
  if (result.interrupted === null) {
    assert.deepEqual(result.rejected.map(({ index }) => index), [2]);
    isWellWorded(result.rejected[0]?.error);
    assert.equal((await settled(rig, 4)).length, 4);
  } else {
    isWellWorded(result.interrupted);
    assert(result.interrupted instanceof PermanentError);
    assert(result.decided <= 2, "the bad one is not decided");
  }
  const alone = await destination.write([poison(3)], patience()).catch((error) => error);
  const error = alone instanceof Error ? alone : alone.rejected[0]?.error ?? alone.interrupted;
  assert(error instanceof PermanentError);
}

/** Messages of device d1 whose value is their number. */
function numbered(first: number, count: number): BatchEntry[] {
  return Array.from({ length: count }, (_, index) => batchEntry(first + index));
}

async function settled(rig: DestinationRig, count: number): Promise<FoundReading[]> {
  return await until(async () => {
    const found = await rig.readings();
    return found.length >= count ? found : null;
  }, { what: `${count} readings are there`, timeoutMs: PATIENCE_MS });
}

async function rejectsWell(attempt: Promise<unknown>): Promise<void> {
  await assert.rejects(attempt, (error) => {
    assert(error instanceof TransientError, String(error));
    isWellWorded(error);
    return true;
  });
}

/** Says what failed and what to do, in the form that the error reference promises. */
function isWellWorded(error: unknown): void {
  assert(error instanceof SluiceError, String(error));
  assert.match(error.code, /^[A-Z]{3}-\d{4}$/);
  assert.match(error.message, /^[A-Z].*[^.]$/s);
  assert.match(error.hint, /^[A-Z].*[^.]$/s);
}

function patience(): AbortSignal {
  return AbortSignal.timeout(PATIENCE_MS);
}
