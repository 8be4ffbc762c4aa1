import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { envelope } from "@/model/envelope.ts";
import type { StoredMessage } from "@/model/message.ts";

const MESSAGE: StoredMessage = {
  number: 1,
  id: "0123456789abcdef0000000000000001",
  source: "mqtt",
  sourceName: "broker",
  device: "d1",
  topic: "devices/d1/telemetry",
  payload: '{"t":21.5}',
  seq: 7,
  receivedUs: 1_767_225_600_000_001,
  traceId: null,
  clockUntrusted: false,
  prefixed: false,
};

Deno.test("the envelope says where a message came from", () => {
  deepStrictEqual(envelope(MESSAGE, "gw1"), {
    schema: "sluice.message.v1",
    source_topic: "devices/d1/telemetry",
    device_id: "d1",
    gateway_id: "gw1",
    seq: 7,
    trace_id: "0123456789abcdef0000000000000001",
    received_at: "2026-01-01T00:00:00.000001Z",
    payload: { t: 21.5 },
  });
});

Deno.test("the sender's trace wins over the message id", () => {
  const traceId = "ffffffffffffffffffffffffffffffff";
  strictEqual(envelope({ ...MESSAGE, traceId }, "gw1").trace_id, traceId);
});

Deno.test("a payload that is no JSON is its text", () => {
  strictEqual(envelope({ ...MESSAGE, payload: "on" }, "gw1").payload, "on");
  strictEqual(envelope({ ...MESSAGE, payload: "21.50" }, "gw1").payload, 21.5);
});
