import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { LINE_BYTES_MAX, LineDecoder } from "@/ingest/lines.ts";
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

const PACKET = '{"ts":1,"id":"N2","n1":{"t":28.3,"h":52.6},"sig":{"rssi":-32,"snr":12}}';
const OTHER = '{"ts":2,"id":"N2","sts":{"rx":1,"err":0}}';

function linesOf(...chunks: (string | Uint8Array)[]): string[] {
  const decoder = new LineDecoder();
  const encoder = new TextEncoder();
  const lines = chunks.flatMap((chunk) => {
    return decoder.push(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
  });
  return [...lines, ...decoder.end()].map((line) => {
    return line.kind === "packet" ? line.json : `log ${line.text}`;
  });
}

Deno.test("packets are found in every dress, each exactly as sent", () => {
  const dressed = [
    PACKET,
    `${PACKET}\r`,
    `  \t${PACKET}  `,
    `${PACKET}\\n`,
    `${PACKET}\\r\\n (gateway_firmware src/main.rs:573)`,
    `\u0000\u00ff\ufffd${PACKET}`,
    `\u001b[32m${PACKET}\u001b[0m`,
    `JSON sent via VCP: ${PACKET}`,
    `12:00 \u001b[1;32mINFO\u001b[0m JSON sent via VCP:   ${PACKET}\\n\u001b[0m (src/main.rs:1)`,
    `JSON sent via VCP: {"ts":1,"id":"N2","n1":[INFO] JSON sent via VCP: ${PACKET}\\n (x)`,
  ];
  for (const line of dressed) deepStrictEqual(linesOf(`${line}\n`), [PACKET], line);
});

Deno.test("the location behind a real line feed is a log line", () => {
  deepStrictEqual(
    linesOf(`[INFO] JSON sent via VCP: ${PACKET}\n (gateway_firmware src/main.rs:573)\n`),
    [
      PACKET,
      "log  (gateway_firmware src/main.rs:573)",
    ],
  );
});

Deno.test("packets that lost the line feed between them are both found", () => {
  deepStrictEqual(linesOf(`${PACKET}${OTHER}\n`), [PACKET, OTHER]);
  deepStrictEqual(linesOf(`${PACKET}\\n${OTHER}\\n\n`), [PACKET, OTHER]);
  const logged =
    `[INFO] JSON sent via VCP: ${PACKET}\\n (a)[INFO] JSON sent via VCP: ${OTHER}\\n (a)`;
  deepStrictEqual(linesOf(logged), [PACKET, OTHER]);
});

Deno.test("everything else is a log line", () => {
  const others = [
    "[INFO] boot",
    '{"ts":1,"level":"info","msg":"boot"}',
    '{"ts":1,"id":"N2"}',
    `x ${PACKET}`,
    PACKET.slice(0, -1),
    PACKET.replace("28.3", "NaN"),
    "[]",
    "null",
    "JSON sent via VCP: nothing",
  ];
  for (const line of others) deepStrictEqual(linesOf(`${line}\n`), [`log ${line}`], line);
});

Deno.test("a packet of wrong types is still a packet: its dead letter tells what is wrong", () => {
  deepStrictEqual(linesOf('{"n1":{"t":"warm"}}\n'), ['{"n1":{"t":"warm"}}']);
});

Deno.test("how the bytes are cut into reads does not matter", () => {
  const stream = `boot\r\n${PACKET}\r\n\nGrüße\n[INFO] JSON sent via VCP: ${OTHER}\\n (a)\nend`;
  const bytes = new TextEncoder().encode(stream);
  const whole = linesOf(bytes);
  deepStrictEqual(whole, ["log boot", PACKET, "log ", "log Grüße", OTHER, "log end"]);
  for (let size = 1; size < bytes.length; size++) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
    deepStrictEqual(linesOf(...chunks), whole, `reads of ${size} bytes`);
  }
});

Deno.test("the last line counts without its line feed", () => {
  deepStrictEqual(linesOf(PACKET), [PACKET]);
  deepStrictEqual(linesOf(PACKET.slice(0, 20)), [`log ${PACKET.slice(0, 20)}`]);
  deepStrictEqual(linesOf(""), []);
  deepStrictEqual(linesOf("\n"), ["log "]);
});

Deno.test("a line without an end is bounded, and the next one is unharmed", () => {
  const flood = "x".repeat(LINE_BYTES_MAX * 3);
  deepStrictEqual(linesOf(flood, flood, `\n${PACKET}\n`), [
    `log ${"x".repeat(LINE_BYTES_MAX)}…`,
    PACKET,
  ]);
  // a packet whose end may be missing is none, even if its beginning looks like one
  const long = PACKET + " ".repeat(LINE_BYTES_MAX);
  strictEqual(linesOf(`${long}\n`).filter((line) => line === PACKET).length, 0);
  deepStrictEqual(linesOf(`${PACKET}${" ".repeat(LINE_BYTES_MAX - PACKET.length)}\n`), [PACKET]);
});

Deno.test("a chunk may be reused by its reader", () => {
  const decoder = new LineDecoder();
  const bytes = new TextEncoder().encode(PACKET);
  decoder.push(bytes);
  bytes.fill(0);
  deepStrictEqual(decoder.push(new Uint8Array([10])), [{ kind: "packet", json: PACKET }]);
});

Deno.test("random bytes never fail and never make a packet that does not parse", () => {
  const seed = Date.now() & 0x7fffffff;
  console.log(`seed ${seed}`);
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(
        "\n",
        "\\n",
        "{",
        "}",
        '"',
        "\\",
        PACKET,
        OTHER,
        "JSON sent via VCP: ",
        "\u001b[",
      )
        .map((text) => new TextEncoder().encode(text)),
    ),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(pieces, (chunks) => {
      const decoder = new LineDecoder();
      for (const line of [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.end()]) {
        if (line.kind === "packet") strictEqual(typeof JSON.parse(line.json), "object");
        else ok(line.text.length <= LINE_BYTES_MAX + 1);
      }
    }),
    { seed, numRuns: 2000 },
  );
});
