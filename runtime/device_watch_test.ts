import assert from "node:assert/strict";
import { deviceStatus } from "@/model/device_status.ts";
import type { Prediction, Reading } from "@/model/reading.ts";
import { DeviceWatch } from "@/runtime/device_watch.ts";

const START_US = 1_800_000_000_000_000;

/** One message of a device at a time, s after the start. */
function messageAt(
  seconds: number,
  { sender = "oven", readings = [], scores = [] }: {
    sender?: string;
    readings?: Partial<Reading>[];
    scores?: number[];
  } = {},
): Parameters<DeviceWatch["hear"]>[0] {
  const receivedUs = START_US + seconds * 1e6;
  const at = { us: receivedUs, ns: 0 };
  const reading = { device: sender, measurement: "temperature", value: 1, unit: "celsius" };
  const prediction = { device: sender, label: "person", avgScore: null, window: null, model: null };
  return {
    message: {
      ...{ number: 1, id: "", source: "mqtt", sourceName: "broker", device: sender, receivedUs },
      ...{ topic: "", payload: "", seq: null, traceId: null, prefixed: false },
      clockUntrusted: false,
    },
    normalized: {
      readings: readings.map((each) => ({ ...reading, at, flags: [], ...each })),
      predictions: scores.map((score): Prediction => ({
        ...{ ...prediction, score, debug: null, at, flags: [] },
      })),
      attributes: [],
      tags: null,
    },
  };
}

const statusAt = (watch: DeviceWatch, device: string, seconds: number) =>
  deviceStatus(watch.signs(device), START_US / 1000 + seconds * 1000);

Deno.test("the habit of a device is learned, and bursts count as one", () => {
  const watch = new DeviceWatch();
  for (let minute = 0; minute < 5; minute++) {
    for (const part of [0, 0.1, 0.2, 0.3]) watch.hear(messageAt(minute * 60 + part));
  }
  assert.equal(watch.signs("oven").typicalIntervalMs, 60_000);
  assert.equal(statusAt(watch, "oven", 240 + 170), "online");
  assert.equal(statusAt(watch, "oven", 240 + 190), "late");
  assert.equal(statusAt(watch, "oven", 240 + 610), "offline");
});

Deno.test("a receiver's packet is a sign of its nodes too, one for each", () => {
  const watch = new DeviceWatch();
  const readings = ["node1", "node1", "node2"].map((device) => ({ device }));
  for (let i = 0; i < 4; i++) watch.hear(messageAt(i * 10, { sender: "N2", readings }));
  assert.deepEqual(watch.heard.sort(), ["N2", "node1", "node2"]);
  for (const device of watch.heard) {
    assert.equal(watch.signs(device).typicalIntervalMs, 10_000, device);
    assert.equal(watch.via(device), "N2");
  }
});

Deno.test("twenty bit-identical values are stuck, the next other one ends it", () => {
  const watch = new DeviceWatch();
  const send = (i: number, value: number) =>
    watch.hear(messageAt(i * 10, { readings: [{ value }] }));
  for (let i = 0; i < 19; i++) send(i, 21.5);
  assert.deepEqual(watch.signs("oven").stuck, []);
  send(19, 21.5);
  assert.deepEqual(watch.signs("oven").stuck, [
    { measurement: "temperature", value: 21.5, results: 20 },
  ]);
  assert.equal(statusAt(watch, "oven", 190), "stuck");
  send(20, 21.500000000000004);
  assert.deepEqual(watch.signs("oven").stuck, []);
});

Deno.test("a score that does not move is stuck, also at zero", () => {
  const watch = new DeviceWatch();
  for (let i = 0; i < 25; i++) watch.hear(messageAt(i * 5, { sender: "cam", scores: [0] }));
  const stuck = [{ measurement: null, value: 0, results: 25 }];
  assert.deepEqual(watch.signs("cam").stuck, stuck);
});

Deno.test("a value that is not sent any more does not keep a device stuck", () => {
  const watch = new DeviceWatch();
  for (let i = 0; i < 20; i++) watch.hear(messageAt(i * 10, { readings: [{ value: 3 }] }));
  for (let i = 20; i < 40; i++) watch.hear(messageAt(i * 10));
  assert.deepEqual(watch.signs("oven").stuck, []);
});

Deno.test("what the store knows stands until the device is heard again", () => {
  const watch = new DeviceWatch();
  const seen = { device: "oven", via: "oven", firstSeenUs: START_US };
  watch.remember([{ ...seen, lastSeenUs: START_US + 600e6, messages: 11 }]);
  assert.equal(watch.signs("oven").typicalIntervalMs, 60_000);
  assert.equal(statusAt(watch, "oven", 600 + 170), "online");
  assert.equal(statusAt(watch, "oven", 600 + 601), "offline");
  watch.hear(messageAt(2_000));
  assert.equal(statusAt(watch, "oven", 2_000), "online");
  assert.deepEqual(watch.counts(START_US / 1000 + 2_000_000), {
    ...{ stuck: 0, offline: 0, late: 0, online: 1, waiting: 0 },
  });
});
