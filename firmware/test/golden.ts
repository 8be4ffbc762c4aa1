/** Turns the shared golden wire data into a C header, so that C reads the same bytes. */

interface SensorCase {
  name: string;
  seq: number;
  temperature_x10: number;
  humidity_x100: number;
  gas_ohms: number;
  frame: string;
}

interface StreamCase {
  name: string;
  bytes: string;
  events: {
    kind: string;
    code?: number;
    address?: number;
    payload?: string;
    rssi?: number;
    snr?: number;
  }[];
}

const WIRE = new URL("../../tests/testdata/wire/", import.meta.url);

async function load<T>(name: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(new URL(name, WIRE)));
}

/** `{{0x01, 0x02}, 2}`; C wants at least one element. */
function bytes(hex: string): string {
  const pairs = hex.match(/../g) ?? [];
  return `{{${pairs.map((pair) => `0x${pair}`).join(", ") || "0"}}, ${pairs.length}}`;
}

function table(type: string, name: string, rows: string[]): string {
  return `static const ${type} ${name}[] = {\n  ${rows.join(",\n  ")}\n};\n`;
}

function sensorRow(entry: SensorCase): string {
  const fields = [entry.seq, entry.temperature_x10, entry.humidity_x100, `${entry.gas_ohms}u`];
  return `{${JSON.stringify(entry.name)}, {${fields.join(", ")}}, ${bytes(entry.frame)}}`;
}

function streamRow(entry: StreamCase): string {
  const kinds: Record<string, string> = {
    ok: "RYLR_OK",
    ready: "RYLR_READY",
    error: "RYLR_ERROR",
    received: "RYLR_RECEIVED",
    framing: "RYLR_FRAMING",
    unknown: "RYLR_UNKNOWN",
  };
  const events = entry.events.map((e) =>
    `{${kinds[e.kind]}, ${e.code ?? 0}, ${e.address ?? 0}, ${e.rssi ?? 0}, ${e.snr ?? 0}, ${
      bytes(e.payload ?? "")
    }}`
  );
  return `{${JSON.stringify(entry.name)}, ${bytes(entry.bytes)}, ${events.length}, {${events}}}`;
}

const TYPES = `typedef struct { uint8_t at[320]; size_t count; } golden_bytes;
typedef struct { const char *name; golden_bytes input; uint16_t crc; } golden_crc;
typedef struct { const char *name; sensor_packet packet; golden_bytes frame; } golden_sensor;
typedef struct { const char *name; frame_status status; golden_bytes frame; } golden_bad_sensor;
typedef struct { const char *name; ack_frame ack; golden_bytes frame; } golden_ack;
typedef struct { rylr_event kind; uint16_t code, address; int16_t rssi, snr; golden_bytes payload; }
    golden_event;
typedef struct { const char *name; golden_bytes bytes; size_t count; golden_event events[4]; }
    golden_stream;
`;

/** Writes `golden.h` into the build folder. */
export async function writeGoldenHeader(path: string): Promise<void> {
  const sensors = await load<
    {
      crc: { name: string; input: string; crc: string }[];
      valid: SensorCase[];
      invalid: { name: string; frame: string; error: "crc" | "decode" }[];
    }
  >("sensor_packets.json");
  const acks = await load<
    {
      valid: { name: string; kind: string; seq: number; frame: string }[];
      invalid: { name: string; frame: string }[];
    }
  >("acks.json");
  const streams = await load<StreamCase[]>("modem_streams.json");
  const status = { crc: "FRAME_BAD_CRC", decode: "FRAME_BAD_ENCODING" };
  const kind: Record<string, string> = { ack: "ACK_ACCEPTED", nack: "ACK_REFUSED" };
  await Deno.writeTextFile(
    path,
    [
      "/* Generated from tests/testdata/wire. */\n#include <stddef.h>\n#include <stdint.h>\n",
      '#include "postcard.h"\n#include "rylr_parser.h"\n' + TYPES,
      table(
        "golden_crc",
        "golden_crcs",
        sensors.crc.map((c) => `{${JSON.stringify(c.name)}, ${bytes(c.input)}, 0x${c.crc}}`),
      ),
      table("golden_sensor", "golden_sensors", sensors.valid.map(sensorRow)),
      table(
        "golden_bad_sensor",
        "golden_bad_sensors",
        sensors.invalid.map((c) =>
          `{${JSON.stringify(c.name)}, ${status[c.error]}, ${bytes(c.frame)}}`
        ),
      ),
      table(
        "golden_ack",
        "golden_acks",
        acks.valid.map((c) =>
          `{${JSON.stringify(c.name)}, {${kind[c.kind]}, ${c.seq}}, ${bytes(c.frame)}}`
        ),
      ),
      table(
        "golden_ack",
        "golden_bad_acks",
        acks.invalid.map((c) => `{${JSON.stringify(c.name)}, {ACK_NONE, 0}, ${bytes(c.frame)}}`),
      ),
      table("golden_stream", "golden_streams", streams.map(streamRow)),
    ].join("\n"),
  );
}

/** Writes the golden pictures of the model, with the logits that the reference computed. */
export async function writePictureHeader(path: string): Promise<void> {
  const lines = await Deno.readTextFile(new URL("../model/golden.jsonl", import.meta.url));
  const cases: { pixels: number[]; logits: number[]; score: number }[] = lines.trim().split("\n")
    .map((line) => JSON.parse(line));
  const type = "typedef struct { int8_t logits[2]; uint16_t score; int8_t pixels[576]; }" +
    " golden_picture;\n";
  const rows = cases.map((c) => `{{${c.logits}}, ${c.score}, {${c.pixels}}}`);
  const head = "/* Generated from firmware/model/golden.jsonl. */\n#include <stdint.h>\n";
  await Deno.writeTextFile(path, head + type + table("golden_picture", "golden_pictures", rows));
}
