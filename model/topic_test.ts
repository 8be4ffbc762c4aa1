import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { deviceIdProblem, telemetryRoute, trimName } from "@/model/topic.ts";

Deno.test("telemetry topics name their kind, device and measurement", () => {
  const cases: [string, string, string, string][] = [
    ["devices/d1/telemetry", "telemetry", "d1", ""],
    ["devices/d1/prediction", "prediction", "d1", ""],
    ["devices/d1/temperature", "measurement", "d1", "temperature"],
    ["devices/d1/xelemetry", "measurement", "d1", "xelemetry"],
    ["devices/d1/xtelemetry", "measurement", "d1", "xtelemetry"],
    ["devices/d1/stats", "measurement", "d1", "stats"],
    ["devices/d1/a b", "measurement", "d1", "ab"],
    ["devices/d1/°C", "measurement", "d1", "C"],
    ["device/d1/stats", "stats", "d1", ""],
    ["gateways/N2/packet", "packet", "N2", ""],
  ];
  for (const [topic, kind, device, measurement] of cases) {
    deepStrictEqual(telemetryRoute(topic), { kind, device, measurement, problem: null });
  }
});

Deno.test("other topics are ordinary broker traffic", () => {
  const topics = [
    "",
    "/",
    "devices",
    "devices/",
    "devices/d1",
    "devices/d1/a/b",
    "devices/d1/telemetry/",
    "/devices/d1/telemetry",
    "Devices/d1/telemetry",
    "devicez/d1/telemetry",
    "device/d1/telemetry",
    "device/d1/state",
    "devicf/d1/stats",
    "gateways/N2/status",
    "gateways/N2/packets",
    "gatewayz/N2/packet",
    "iiot/node1/temperature",
    "iiot/gateway/status",
    "$SYS/broker/uptime",
  ];
  for (const topic of topics) strictEqual(telemetryRoute(topic), null, topic);
});

Deno.test("telemetry of a device that cannot be named is a problem, not traffic", () => {
  const cases: [string, string][] = [
    ["devices//telemetry", "bad_device_id"],
    ["devices/a.b/telemetry", "bad_device_id"],
    ["devices/a b/temperature", "bad_device_id"],
    ["devices/ü/telemetry", "bad_device_id"],
    [`devices/${"d".repeat(65)}/telemetry`, "bad_device_id"],
    ["devices/node1/telemetry", "reserved_device"],
    ["devices/gateway/status", "reserved_device"],
    ["device/stats/stats", "reserved_device"],
    ["gateways/signal/packet", "reserved_device"],
    ["devices/d1/", "bad_key"],
    ["devices/d1/°", "bad_key"],
    ["devices/d1/__proto__", "bad_key"],
  ];
  for (const [topic, problem] of cases) strictEqual(telemetryRoute(topic)?.problem, problem, topic);
});

Deno.test("device ids are 1 to 64 letters, digits, underscores and dashes", () => {
  for (const id of ["a", "A-9_z", "d".repeat(64), "N3-node1", "node3", "constructor"]) {
    strictEqual(deviceIdProblem(id), null, id);
  }
});

Deno.test("names are trimmed to what a topic and a tag can carry", () => {
  const cases: [string, string][] = [
    ["temperature", "temperature"],
    ["pm2.5", "pm2.5"],
    [" temp °C ", "tempC"],
    ["a/b+c#", "abc"],
    ["a\u0000b\ud800", "ab"],
    ["x".repeat(65), "x".repeat(64)],
    ["constructor", "constructor"],
    ["__proto__", ""],
    ["__pro to__", ""],
    ["💧", ""],
    ["", ""],
  ];
  for (const [name, trimmed] of cases) strictEqual(trimName(name), trimmed, name);
});
