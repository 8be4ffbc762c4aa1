import assert from "node:assert/strict";
import { createFleet, seededRandom, sunCurve } from "@/cli/simulate_models.ts";
import { decodePayload, isUndecodable } from "@/model/decode/decode.ts";

const START_MS = Date.UTC(2026, 5, 1);
const STEP_MS = 60_000;

/** Everything the fleet sends over a day, one round a minute. */
function dayOf(devices: number, seed: number) {
  const fleet = createFleet({ devices, random: seededRandom(seed) });
  return Array.from({ length: 1440 }, (_, i) => START_MS + i * STEP_MS).flatMap((atMs) =>
    fleet.flatMap((device) => device.next(atMs).map((message) => ({ ...message, atMs })))
  );
}

function decoded(message: { topic: string; payload: string; atMs: number }) {
  const bytes = new TextEncoder().encode(message.payload);
  return decodePayload(message.topic, bytes, message.atMs * 1000);
}

Deno.test("the same seed gives the same messages, another one others", () => {
  assert.deepEqual(dayOf(4, 7), dayOf(4, 7));
  assert.notDeepEqual(dayOf(4, 7), dayOf(4, 8));
});

Deno.test("random numbers are spread over 0…1", () => {
  const random = seededRandom(1);
  const values = Array.from({ length: 10_000 }, random);
  assert.ok(values.every((value) => value >= 0 && value < 1));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(mean - 0.5) < 0.02, String(mean));
});

Deno.test("the sun is highest at three in the afternoon", () => {
  assert.ok(Math.abs(sunCurve(Date.UTC(2026, 5, 1, 15)) - 1) < 1e-9);
  assert.ok(Math.abs(sunCurve(Date.UTC(2026, 5, 1, 3)) + 1) < 1e-9);
});

Deno.test("what sound devices send is decoded, with plausible values", () => {
  const messages = dayOf(6, 42).filter(({ topic }) => !topic.includes("flaky"));
  const ranges: Record<string, [number, number]> = {
    temperature: [-40, 85],
    humidity: [0, 100],
    pressure: [300, 1100],
    battery: [0, 100],
    rssi: [-120, 0],
    gas_resistance: [1, 1e6],
  };
  const seen = new Set<string>();
  for (const message of messages) {
    for (const element of decoded(message)) {
      assert.ok(!isUndecodable(element), message.payload);
      for (const { measurement, value } of element.decoded.values) {
        const [min, max] = ranges[measurement] ?? [-Infinity, Infinity];
        assert.ok(value >= min && value <= max, `${measurement} ${value}`);
        seen.add(measurement);
      }
      for (const { score, avgScore } of element.decoded.predictions) {
        assert.ok(score >= 0 && score <= 1 && avgScore! >= 0 && avgScore! <= 1);
        seen.add("prediction");
      }
    }
  }
  for (const name of [...Object.keys(ranges), "prediction"]) assert.ok(seen.has(name), name);
});

Deno.test("a fleet of any size has unique ids, four already show every kind", () => {
  const ids = (devices: number) =>
    createFleet({ devices, random: seededRandom(1) }).map((device) => device.id);
  assert.deepEqual(ids(4), ["sensor-001", "N2", "camera-1", "flaky-1"]);
  assert.equal(new Set(ids(500)).size, 500);
  assert.deepEqual(ids(1), ["sensor-001"]);
});

Deno.test("the flaky device falls silent, repeats itself and sends what no decoder takes", () => {
  const flaky = createFleet({ devices: 4, random: seededRandom(3) })[3]!;
  const rounds = Array.from({ length: 5000 }, (_, i) => flaky.next(START_MS + i * 1000));
  assert.ok(rounds.filter((messages) => messages.length === 0).length > 100);
  const payloads = rounds.flat().map((message) => message.payload);
  const repeats = payloads.length - new Set(payloads).size;
  assert.ok(repeats > 100);
  const bad = rounds.flat().filter((message) =>
    decoded({ ...message, atMs: START_MS }).some(isUndecodable)
  );
  assert.ok(bad.length > 50 && bad.length < payloads.length / 2);
});

Deno.test("the receiver's clock steps by 500 ms and its counters grow", () => {
  const receiver = createFleet({ devices: 2, random: seededRandom(5) })[1]!;
  const packets = Array.from({ length: 50 }, (_, i) => {
    return JSON.parse(receiver.next(START_MS + i * 1234)[0]!.payload);
  });
  assert.ok(packets.every((packet) => packet.ts % 500 === 0 && packet.id === "N2"));
  assert.deepEqual(packets.map((packet) => packet.sts.rx), packets.map((_, i) => i + 1));
});
