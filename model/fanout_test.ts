import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { predictionTopic, readingTopic } from "@/model/fanout.ts";
import type { Flag, Prediction, Reading } from "@/model/reading.ts";

const AT = { us: 1_767_225_600_123_456, ns: 789 };

function reading(measurement: string, value: number, flags: Flag[] = []): Reading {
  return { device: "node1", measurement, value, unit: null, at: AT, flags };
}

Deno.test("a reading is one topic with a plain decimal", () => {
  deepStrictEqual(readingTopic("iiot", reading("temperature", 26.0)), {
    topic: "iiot/node1/temperature",
    payload: "26",
    retain: true,
  });
  strictEqual(readingTopic("a/b", reading("x", 1e-9)).topic, "a/b/node1/x");
  strictEqual(readingTopic("iiot", reading("x", 1e-9)).payload, "0.000000001");
});

Deno.test("signal, statistics and values of the future are not retained", () => {
  for (const measurement of ["rssi", "snr", "packets_received", "crc_errors"]) {
    strictEqual(readingTopic("iiot", reading(measurement, 1)).retain, false, measurement);
  }
  strictEqual(readingTopic("iiot", reading("temperature", 1, ["ts_future"])).retain, false);
  strictEqual(
    readingTopic("iiot", reading("temperature", 1, ["implausible", "late"])).retain,
    true,
  );
});

Deno.test("a prediction is JSON in the words of the devices", () => {
  const prediction: Prediction = {
    device: "node3",
    label: "person",
    score: 0.93,
    avgScore: 0.9,
    window: 5,
    model: "silhouette-v1",
    debug: { us: 3544 },
    at: AT,
    flags: ["late"],
  };
  deepStrictEqual(predictionTopic("iiot", prediction), {
    topic: "iiot/node3/prediction",
    payload: '{"ts":1767225600123,"label":"person","score":0.93,"avg":0.9,"window":5,' +
      '"model":"silhouette-v1","debug":{"us":3544},"flags":["late"]}',
    retain: false,
  });
  const bare = { ...prediction, avgScore: null, window: null, model: null, debug: null, flags: [] };
  strictEqual(
    predictionTopic("iiot", bare).payload,
    '{"ts":1767225600123,"label":"person","score":0.93}',
  );
});
