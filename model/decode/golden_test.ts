/** The golden publishes of tests/testdata/wire; ingest/lines_test.ts reads its golden lines. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { decodePayload, decodeStored, isUndecodable } from "@/model/decode/decode.ts";
import { DEFAULT_RULES, normalize } from "@/model/normalize.ts";
import type { Normalized } from "@/model/reading.ts";

interface GoldenPrediction {
  name: string;
  topic: string;
  received_at_ms: number;
  payload: string;
  prediction: null | {
    device: string;
    seq: number | null;
    at_ms: number;
    at_from: "sender" | "reception";
    label: string;
    score: number;
    avg: number;
    window: number;
    model: string | null;
    debug: Record<string, unknown> | null;
    flags: string[];
  };
}

async function golden<T>(name: string): Promise<T> {
  return JSON.parse(
    await Deno.readTextFile(new URL(`../../tests/testdata/wire/${name}`, import.meta.url)),
  );
}

/** What the row of the log would mean. The golden file knows no `late`, which is a setting. */
function meaning(topic: string, payload: string, receivedUs: number): Normalized {
  const decoded = decodeStored({ topic, payload, receivedUs });
  const context = { receivedUs, clockUntrusted: false, prefixed: false, sender: decoded.device };
  return normalize(decoded, context, { ...DEFAULT_RULES, lateAfterMs: Infinity });
}

Deno.test("golden publishes of the TinyML device become the golden predictions", async (t) => {
  for (const entry of await golden<GoldenPrediction[]>("predictions.json")) {
    await t.step(entry.name, () => {
      const receivedUs = entry.received_at_ms * 1000;
      const payload = new TextEncoder().encode(entry.payload);
      const [element, ...more] = decodePayload(entry.topic, payload, receivedUs);
      strictEqual(more.length, 0);
      const wanted = entry.prediction;
      strictEqual(isUndecodable(element!), wanted === null);
      if (wanted === null || isUndecodable(element!)) return;
      const { predictions } = meaning(entry.topic, element!.payload, receivedUs);
      strictEqual(predictions.length, 1);
      const { device, label, score, avgScore, window, model, debug, at, flags } = predictions[0]!;
      const from = element!.decoded.sentAt === null || flags.includes("ts_past");
      deepStrictEqual({
        device,
        seq: element!.decoded.seq,
        at_ms: at.us / 1000,
        at_from: from ? "reception" : "sender",
        label,
        score,
        avg: avgScore,
        window,
        model,
        debug,
        flags,
      }, wanted);
    });
  }
});
