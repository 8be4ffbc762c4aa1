import assert from "node:assert/strict";
import fc from "fast-check";
import { Filter } from "@/forward/filter.ts";
import { escapeMeasurement, escapeTag, LineEncoder, nanoseconds } from "@/forward/influx_lines.ts";
import { batchEntry } from "@/tests/helpers/log_rows.ts";

const everything = new Filter({ devices: [], measurements: [] });

function linesOf(
  entry: ReturnType<typeof batchEntry>,
  tags: { gatewayId: string | null; location: string | null } = { gatewayId: null, location: null },
): string[] {
  return new LineEncoder(everything, tags).encode([entry], { start: 0, pointsMax: 5000 }).lines;
}

Deno.test("line protocol: the packet of a receiver", () => {
  const entry = batchEntry(1, {
    device: "N2",
    topic: "gateways/N2/packet",
    receivedUs: 1_767_225_600_123_456,
    payload: '{"ts":194500,"id":"N2","n1":{"t":28.3,"h":52.6,"g":461235},"n2":{"p":1013.25},' +
      '"sig":{"rssi":-32,"snr":12},"sts":{"rx":1,"err":0}}',
  });
  const at = "1767225600123456000";
  assert.deepEqual(linesOf(entry), [
    `temperature,node=node1,unit=celsius value=28.3 ${at}`,
    `humidity,node=node1,unit=percent value=52.6 ${at}`,
    `gas_resistance,node=node1,unit=ohms value=461235 ${at}`,
    `pressure,node=node2,unit=hpa value=1013.25 ${at}`,
    `rssi,node=signal,unit=dbm value=-32 ${at}`,
    `snr,node=signal,unit=db value=12 ${at}`,
    `packets_received,node=stats value=1 ${at}`,
    `crc_errors,node=stats value=0 ${at}`,
  ]);
});

Deno.test("line protocol: predictions, with and without what is optional", () => {
  const topic = "devices/cam/prediction";
  const payload = {
    ts: 1767225600000,
    label: "a person, a=b",
    score: 0.93,
    avg: 0.9,
    model: "m v1",
  };
  const full = batchEntry(1, { device: "cam", topic, payload: JSON.stringify(payload) });
  assert.deepEqual(linesOf(full, { gatewayId: "gw 1", location: "Küche" }), [
    "prediction,node=cam,label=a\\ person\\,\\ a\\=b,model=m\\ v1,gateway=gw\\ 1,location=Küche " +
    "score=0.93,avg=0.9 1767225600000000000",
  ]);
  const bare = batchEntry(2, {
    device: "cam",
    topic,
    payload: '{"ts":1767225600000,"label":"x","score":1}',
  });
  assert.deepEqual(linesOf(bare), ["prediction,node=cam,label=x score=1 1767225600000000000"]);
});

Deno.test("line protocol: nanoseconds survive, numbers have no exponent", () => {
  const entry = batchEntry(1, {
    payload: '{"ts":1767225600123456789,"values":{"a":1e-7,"b":1e21,"c":26.0}}',
  });
  assert.deepEqual(linesOf(entry), [
    "a,node=d1 value=0.0000001 1767225600123456789",
    "b,node=d1 value=1000000000000000000000 1767225600123456789",
    "c,node=d1 value=26 1767225600123456789",
  ]);
  assert.equal(nanoseconds({ us: 0, ns: 7 }), "7");
  assert.equal(nanoseconds({ us: Number.MAX_SAFE_INTEGER, ns: 807 }), "9007199254740991807");
});

Deno.test("line protocol: what is no tag is left out or written without its end", () => {
  assert.equal(escapeTag("a,b=c d"), "a\\,b\\=c\\ d");
  assert.equal(escapeTag("two\nlines\r"), "two\\nlines\\r");
  assert.equal(escapeTag("back\\slash\\"), "back\\slash");
  assert.equal(escapeTag("C:\\ \\=x"), "C:\\ \\=x");
  assert.equal(escapeTag("\\\\"), "");
  assert.equal(escapeMeasurement("a b,c=d"), "a\\ b\\,c=d");
});

Deno.test("line protocol: no text of a device breaks out of its tag", () => {
  const parts = fc.array(
    fc.constantFrom("\\", ",", "=", " ", "\n", "\r", "a", '"', "é", "\t", "#"),
    { maxLength: 12 },
  );
  fc.assert(fc.property(parts, (characters) => {
    const escaped = escapeTag(characters.join(""));
    // as InfluxDB reads: a special character ends the value unless a backslash stands before it
    assert.equal(/(?<!\\)[,= ]|[\n\r]|\\$/.exec(escaped), null, JSON.stringify(escaped));
    const readBack = escaped.replace(/\\([,= ])/g, "$1");
    const meant = characters.join("").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
    assert.equal(readBack, meant.replace(/\\+(?=[,= ]|$)/g, ""));
  }));
});

Deno.test("line protocol: messages are not divided, and times beyond int64 are refused", () => {
  const values = { a: 1, b: 2, c: 3 };
  const batch = [1, 2, 3, 4].map((number) => batchEntry(number, { values }));
  const far = batchEntry(5);
  far.normalized.readings[0]!.at = { us: 9_300_000_000_000_000, ns: 0 };
  const encoder = new LineEncoder(everything, { gatewayId: null, location: null });
  const first = encoder.encode([...batch, far], { start: 0, pointsMax: 7 });
  assert.deepEqual([first.end, first.owners], [2, [0, 0, 0, 1, 1, 1]]);
  const second = encoder.encode([...batch, far], { start: 2, pointsMax: 7 });
  assert.equal(second.end, 5);
  assert.equal(second.rejected[0]?.index, 4);
  const tiny = encoder.encode(batch, { start: 0, pointsMax: 1 });
  assert.equal(tiny.end, 1, "one message at least");
});
