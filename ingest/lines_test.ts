import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { LineDecoder } from "@/ingest/lines.ts";
import { decodeStored } from "@/model/decode/decode.ts";
import { readingTopic } from "@/model/fanout.ts";
import { DEFAULT_RULES, normalize } from "@/model/normalize.ts";
import type { Normalized } from "@/model/reading.ts";

interface GoldenLine {
  name: string;
  line: string;
  kind: "packet" | "log";
  receiver?: string;
  readings?: {
    device: string;
    measurement: string;
    value: number;
    unit: string | null;
    topic: string;
    text: string;
    retained: boolean;
    implausible: boolean;
  }[];
}

async function golden<T>(name: string): Promise<T> {
  return JSON.parse(
    await Deno.readTextFile(new URL(`../tests/testdata/wire/${name}`, import.meta.url)),
  );
}

const RECEIVED_US = 1_767_225_601_000_000;

/** What the row of the log would mean. */
function meaning(topic: string, payload: string, receivedUs: number): Normalized {
  const decoded = decodeStored({ topic, payload, receivedUs });
  const context = { receivedUs, clockUntrusted: false, prefixed: false, sender: decoded.device };
  return normalize(decoded, context, DEFAULT_RULES);
}

Deno.test("golden lines of the receiver become the golden readings", async (t) => {
  for (const entry of await golden<GoldenLine[]>("gateway_lines.json")) {
    await t.step(entry.name, () => {
      const lines = new LineDecoder().push(new TextEncoder().encode(`${entry.line}\n`));
      strictEqual(lines.length, 1);
      const line = lines[0]!;
      strictEqual(line.kind, entry.kind);
      if (line.kind === "log") return;
      const topic = `gateways/${entry.receiver}/packet`;
      const { readings } = meaning(topic, line.json, RECEIVED_US);
      const seen = readings.map((reading) => {
        const { topic, payload, retain } = readingTopic("iiot", reading);
        const { device, measurement, value, unit, flags } = reading;
        deepStrictEqual(reading.at, { us: RECEIVED_US, ns: 0 });
        const implausible = flags.includes("implausible");
        strictEqual(flags.length, implausible ? 1 : 0);
        return {
          device,
          measurement,
          value,
          unit,
          topic,
          text: payload,
          retained: retain,
          implausible,
        };
      });
      const wanted = entry.readings!.map(
        ({ device, measurement, value, unit, topic, text, retained, implausible }) => {
          return { device, measurement, value, unit, topic, text, retained, implausible };
        },
      );
      deepStrictEqual(byTopic(seen), byTopic(wanted));
    });
  }
});

function byTopic<T extends { topic: string }>(list: T[]): T[] {
  return list.toSorted((a, b) => a.topic < b.topic ? -1 : 1);
}
