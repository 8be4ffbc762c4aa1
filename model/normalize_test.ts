import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { decodeStored } from "@/model/decode/decode.ts";
import { DEFAULT_RULES, normalize, type NormalizeContext } from "@/model/normalize.ts";
import type { Reading } from "@/model/reading.ts";
import type { NormalizeRules } from "@/model/rules.ts";

/** 2026-01-01T00:00:01Z */
const RECEIVED_US = 1_767_225_601_000_000;
const DAY_US = 86_400_000_000;

interface Setting {
  topic?: string;
  context?: Partial<NormalizeContext>;
  rules?: Partial<NormalizeRules>;
}

function meaning(payload: string, setting: Setting = {}) {
  const topic = setting.topic ?? "devices/d1/telemetry";
  const receivedUs = setting.context?.receivedUs ?? RECEIVED_US;
  const decoded = decodeStored({ topic, payload, receivedUs });
  const context = {
    receivedUs,
    clockUntrusted: false,
    prefixed: false,
    sender: decoded.device,
    ...setting.context,
  };
  return normalize(decoded, context, { ...DEFAULT_RULES, ...setting.rules });
}

function reading(payload: string, setting: Setting = {}): Reading {
  return meaning(payload, setting).readings[0]!;
}

Deno.test("event time is the sender's, or else the reception", () => {
  const cases: [string, number, number, string[]][] = [
    ['{"t":1}', RECEIVED_US, 0, []],
    ['{"ts":1767225600000000001,"t":1}', RECEIVED_US - 1_000_000, 1, []],
    ['{"ts":1577836800,"t":1}', 1_577_836_800_000_000, 0, ["late"]],
    ['{"ts":1577836799.999,"t":1}', RECEIVED_US, 0, ["ts_past"]],
    ['{"ts":0,"t":1}', RECEIVED_US, 0, ["ts_past"]],
    [`{"ts":${RECEIVED_US - 300_000_000},"t":1}`, RECEIVED_US - 300_000_000, 0, []],
    [`{"ts":${RECEIVED_US - 300_000_001},"t":1}`, RECEIVED_US - 300_000_001, 0, ["late"]],
    [`{"ts":${RECEIVED_US + DAY_US},"t":1}`, RECEIVED_US + DAY_US, 0, []],
    [`{"ts":${RECEIVED_US + DAY_US + 1},"t":1}`, RECEIVED_US + DAY_US + 1, 0, ["ts_future"]],
  ];
  for (const [payload, us, ns, flags] of cases) {
    const { at, flags: seen } = reading(payload);
    deepStrictEqual({ at, flags: seen }, { at: { us, ns }, flags }, payload);
  }
});

Deno.test("a clock that nobody trusts is said so, and judges nobody", () => {
  const context = { receivedUs: 5_000_000, clockUntrusted: true };
  deepStrictEqual(reading('{"ts":1767225600,"t":1}', { context }).flags, ["clock_untrusted"]);
  deepStrictEqual(reading('{"t":1}', { context }).at, { us: 5_000_000, ns: 0 });
  const stamped = { receivedUs: RECEIVED_US, clockUntrusted: true };
  deepStrictEqual(reading('{"ts":0,"temperature":99}', { context: stamped }).flags, [
    "implausible",
    "ts_past",
    "clock_untrusted",
  ]);
});

Deno.test("units: payload, device setting, gateway setting, table", () => {
  const rules = {
    units: { temperature: "kelvin", level: "mm" },
    deviceUnits: { d1: { temperature: "fahrenheit" } },
  };
  const unit = (payload: string, setting?: Setting) => reading(payload, setting).unit;
  strictEqual(unit('{"temperature":{"value":20,"unit":"°C"}}', { rules }), "°C");
  strictEqual(unit('{"temperature":20}', { rules }), "fahrenheit");
  strictEqual(unit('{"temperature":20}', { rules, topic: "devices/d2/telemetry" }), "kelvin");
  strictEqual(unit('{"level":20}', { rules }), "mm");
  strictEqual(unit('{"temperature":20}'), "celsius");
  strictEqual(unit('{"x":20}'), null);
});

Deno.test("values outside the plausible interval are kept and flagged", () => {
  const flagged = (payload: string, setting?: Setting) => {
    return reading(payload, setting).flags.includes("implausible");
  };
  for (const value of [-40, 0, 85]) strictEqual(flagged(`{"temperature":${value}}`), false);
  for (const value of [-40.01, 85.01]) strictEqual(flagged(`{"temperature":${value}}`), true);
  strictEqual(flagged('{"pressure":299.9}'), true);
  strictEqual(flagged('{"humidity":100.1}'), true);
  strictEqual(flagged('{"x":1e300}'), false);
  const rules = { plausible: { x: [0, 1] as [number, number] } };
  strictEqual(flagged('{"x":2}', { rules }), true);
  strictEqual(flagged('{"temperature":999}', { rules }), false);
});

Deno.test("an interval holds for its own unit only, however that is spelled", () => {
  const flagged = (unit: string) => {
    return reading(`{"temperature":{"value":100,"unit":"${unit}"}}`).flags.length > 0;
  };
  for (const unit of ["celsius", "°C", "C", "degC"]) strictEqual(flagged(unit), true, unit);
  for (const unit of ["fahrenheit", "°F", "K"]) strictEqual(flagged(unit), false, unit);
});

Deno.test("nodes of a receiver: plain, prefixed, or named in the settings", () => {
  const packet = '{"n1":{"t":1},"n2":{"t":2},"sig":{"snr":3}}';
  const topic = "gateways/N3/packet";
  const names = (setting: Setting) => {
    return meaning(packet, { topic, ...setting }).readings.map(({ device }) => device);
  };
  deepStrictEqual(names({}), ["node1", "node2", "signal"]);
  const prefixed = { prefixed: true };
  deepStrictEqual(names({ context: prefixed }), ["N3-node1", "N3-node2", "N3-signal"]);
  const rules = { receivers: { N3: { node1: "greenhouse" }, N2: { node2: "shed" } } };
  deepStrictEqual(names({ rules }), ["greenhouse", "node2", "signal"]);
  deepStrictEqual(names({ rules, context: prefixed }), ["greenhouse", "N3-node2", "N3-signal"]);
  // an ordinary device is never renamed
  strictEqual(reading('{"t":1}', { context: prefixed }).device, "d1");
});

Deno.test("settings are not found by accident under the names that every object has", () => {
  const normal = meaning('{"constructor":1,"toString":2,"valueOf":3}');
  deepStrictEqual(normal.readings.map(({ unit, flags }) => [unit, flags]), [
    [null, []],
    [null, []],
    [null, []],
  ]);
  const device = meaning('{"t":1}', { topic: "devices/constructor/telemetry" });
  strictEqual(device.readings[0]!.unit, null);
});

Deno.test("predictions, attributes and tags share the event time", () => {
  const at = { us: 1_767_225_600_000_000, ns: 0 };
  const { attributes, tags } = meaning('{"ts":1767225600,"fw":"1.2","tags":{"site":"hall"}}');
  deepStrictEqual(attributes, [{ device: "d1", name: "fw", value: "1.2", at }]);
  deepStrictEqual(tags, { site: "hall" });
  const topic = "devices/d1/prediction";
  deepStrictEqual(meaning('{"ts":1767225600,"label":"a","score":1}', { topic }).predictions, [{
    device: "d1",
    label: "a",
    score: 1,
    avgScore: null,
    window: null,
    model: null,
    debug: null,
    at,
    flags: [],
  }]);
});

Deno.test("flags of one reading are its own", () => {
  const { readings } = meaning('{"ts":0,"a":1,"b":2}');
  readings[0]!.flags.push("stuck");
  deepStrictEqual(readings[1]!.flags, ["ts_past"]);
});
