/**
 * Random damage to valid packets, several in a row, cut into random pieces, against the verdict of
 * the judge. SLUICE_FUZZ_SEED repeats a run, SLUICE_FUZZ_SECONDS lengthens it.
 */
import assert from "node:assert/strict";
import { connectControl, describe, play, served, startTarget } from "@/tests/mqtt/corpus_player.ts";
import { basePackets, connectPackets, type Sequence, TEXTS } from "@/tests/mqtt/malformed.ts";
import { fuzzMs, fuzzSeed, Random } from "@/tests/mqtt/random.ts";
import { PROPERTIES, property, publish, type Version } from "@/tests/mqtt/wire.ts";

const AT_ONCE = 20;
const PACKETS_MAX = 6;

/** A packet that a client may send now, sometimes of random content. */
function anyPacket(random: Random, version: Version): number[] {
  if (!random.once(4)) return [...random.pick(basePackets(version)).bytes];
  const list = version === 5 && random.once(2) ? [["alias", String(random.below(5))] as const] : [];
  return publish(version, {
    topic: list.length > 0 && random.once(2) ? "" : `p/${random.below(4)}`,
    payload: "z".repeat(random.below(300)),
    qos: random.below(3),
    id: 1000 + random.below(50),
    retain: random.once(3),
    properties: list,
  });
}

const DAMAGES: readonly ((bytes: number[], random: Random) => number[])[] = [
  (bytes, random) => bytes.with(random.below(bytes.length), random.below(256)),
  (bytes, random) => {
    const at = random.below(bytes.length);
    return bytes.with(at, bytes[at]! ^ 1 << random.below(8));
  },
  (bytes, random) => bytes.toSpliced(random.below(bytes.length), 1),
  (bytes, random) => bytes.toSpliced(random.below(bytes.length), 0, random.below(256)),
  (bytes, random) => bytes.slice(0, 1 + random.below(bytes.length)),
  (bytes, random) => {
    const at = random.below(bytes.length);
    return bytes.toSpliced(at, 0, ...bytes.slice(at, at + 1 + random.below(6)));
  },
  (bytes, random) => {
    const [, hex] = random.pick(TEXTS);
    return bytes.toSpliced(random.below(bytes.length), 0, ...Uint8Array.fromHex(hex));
  },
  (bytes, random) => {
    const name = random.pick(Object.keys(PROPERTIES));
    return bytes.toSpliced(random.below(bytes.length), 0, ...property(name, "1:1"));
  },
];

function damaged(bytes: number[], random: Random): number[] {
  let found = bytes;
  for (let i = random.below(3); i >= 0 && found.length > 0; i--) {
    found = random.pick(DAMAGES)(found, random);
  }
  return found.length === 0 ? [0] : found;
}

function anySequence(seed: number): { sequence: Sequence; cuts: number[] } {
  const random = new Random(seed);
  const version = random.pick([4, 5] as const);
  const isFirst = random.once(5);
  const packets = Array.from(
    { length: 1 + random.below(PACKETS_MAX) },
    () => anyPacket(random, version),
  );
  if (isFirst) packets.unshift([...random.pick(connectPackets(version)).bytes]);
  const at = random.below(packets.length);
  if (!random.once(4)) packets[at] = damaged(packets[at]!, random);
  const bytes = Uint8Array.from(packets.flat());
  const cuts = Array.from({ length: random.below(5) }, () => random.below(bytes.length));
  return {
    sequence: { name: `seed ${seed}`, version, bytes, isFirst },
    cuts: cuts.sort((a, b) => a - b),
  };
}

Deno.test("fuzz: damaged packets in pieces meet the judge's verdict, memory stays bounded", async () => {
  const seed = fuzzSeed();
  const endAt = performance.now() + fuzzMs(0.4);
  const faults: string[] = [];
  let count = 0;
  while (performance.now() < endAt && faults.length === 0) {
    count += await runRound(seed + count, { endAt, faults });
  }
  assert.deepEqual(faults, [], `repeat with SLUICE_FUZZ_SEED=${seed}`);
  console.log(`${count} sequences`);
});

/** One broker's life: so many sequences that its state would show a leak. */
async function runRound(
  seed: number,
  { endAt, faults }: { endAt: number; faults: string[] },
): Promise<number> {
  const perRound = 4000;
  await using fixture = await startTarget();
  let next = 0;
  const run = async () => {
    const control = await connectControl(fixture);
    while (next < perRound && performance.now() < endAt && faults.length === 0) {
      const { sequence, cuts } = anySequence(seed + next++);
      const fault = await play(fixture, sequence, { control, cuts });
      if (fault !== "") faults.push(`${describe(sequence)} cut at ${cuts}: ${fault}`);
      await served(control);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
  await fixture.until(
    () => fixture.broker.connections().length === AT_ONCE,
    "only controls are left",
  );
  const { statistics, limits } = fixture.broker;
  assert(statistics.retainedMessages <= limits.retainedMessagesMax);
  assert(statistics.sessions <= limits.sessionsMax);
  const own = fixture.reports.filter(({ kind }) =>
    kind === "store_error" || kind === "internal_error"
  );
  assert.deepEqual(own, []);
  return next;
}
