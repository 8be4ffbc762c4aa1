import assert from "node:assert/strict";
import {
  canStick,
  type DeviceSigns,
  deviceStatus,
  lateAfterMs,
  offlineAfterMs,
  typicalInterval,
} from "@/model/device_status.ts";

const NOW_MS = 1_800_000_000_000;

function statusAfter(silentMs: number, signs: Partial<DeviceSigns> = {}) {
  const heard = { lastSeenMs: NOW_MS - silentMs, typicalIntervalMs: null, stuck: [] };
  return deviceStatus({ ...heard, ...signs }, NOW_MS);
}

Deno.test("a node that sends every 10 s is late after 30 s and offline after 2 min", () => {
  const node = { typicalIntervalMs: 10_000 };
  assert.equal(statusAfter(0, node), "online");
  assert.equal(statusAfter(30_000, node), "online");
  assert.equal(statusAfter(30_001, node), "late");
  assert.equal(statusAfter(120_000, node), "late");
  assert.equal(statusAfter(120_001, node), "offline");
});

Deno.test("a device that sends once an hour is judged by its own habit", () => {
  const hourly = { typicalIntervalMs: 3_600_000 };
  assert.equal(statusAfter(2.9 * 3_600_000, hourly), "online");
  assert.equal(statusAfter(3.1 * 3_600_000, hourly), "late");
  assert.equal(statusAfter(10.1 * 3_600_000, hourly), "offline");
});

Deno.test("the floors hold for devices that send all the time, and while nothing is learned", () => {
  for (const typicalIntervalMs of [20, 1_000, null]) {
    assert.equal(lateAfterMs(typicalIntervalMs), 30_000);
    assert.equal(offlineAfterMs(typicalIntervalMs), 120_000);
  }
});

Deno.test("stuck is seen while the device is heard, and offline says more", () => {
  const stuck = [{ measurement: "temperature", value: 21.5, results: 20 }];
  assert.equal(statusAfter(0, { stuck }), "stuck");
  assert.equal(statusAfter(60_000, { stuck }), "stuck");
  assert.equal(statusAfter(121_000, { stuck }), "offline");
});

Deno.test("a device that was never heard waits; a clock that went back makes nobody late", () => {
  const never = { lastSeenMs: null, typicalIntervalMs: null, stuck: [] };
  assert.equal(deviceStatus(never, NOW_MS), "waiting");
  assert.equal(statusAfter(-86_400_000), "online");
});

Deno.test("the usual interval is the median: one outage does not change it", () => {
  assert.equal(typicalInterval([]), null);
  assert.equal(typicalInterval([10_000]), null);
  assert.equal(typicalInterval([10_000, 12_000]), 11_000);
  assert.equal(typicalInterval([10_000, 86_400_000, 10_500, 9_500, 10_100]), 10_100);
});

Deno.test("what may stay the same is not stuck: counters, states, charge, signal, zero", () => {
  const reading = (measurement: string, unit: string | null, value: number) =>
    canStick({ measurement, unit, value });
  assert.equal(reading("temperature", "celsius", 21.5), true);
  assert.equal(reading("humidity", "percent", 40), true);
  assert.equal(reading("battery", "percent", 100), false);
  assert.equal(reading("rssi", "dbm", -70), false);
  assert.equal(reading("crc_errors", null, 1), false);
  assert.equal(reading("door_open", null, 1), false);
  assert.equal(reading("illuminance", "lux", 0), false);
});
