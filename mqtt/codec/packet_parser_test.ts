import assert from "node:assert/strict";
import fc from "fast-check";
import type { Packet, ProtocolVersion } from "@/mqtt/codec/packet.ts";
import { encodePacket } from "@/mqtt/codec/packet_encoder.ts";
import { PacketParser } from "@/mqtt/codec/packet_parser.ts";
import { anyPacket, type DirectedPacket } from "@/mqtt/codec/packet_arbitrary.ts";
import { MqttProtocolError } from "@/mqtt/protocol_error.ts";

const CONNECT_V4 = bytes("100d 0004 4d515454 04 02 003c 0001 61");
const CONNECT_V5 = bytes("100e 0004 4d515454 05 02 003c 00 0001 61");

function bytes(hex: string): Uint8Array {
  const digits = hex.replaceAll(" ", "");
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Packets as plain copies: the parser reuses its objects. */
function collector(packets: Packet[]): (packet: Packet) => void {
  return (packet) => packets.push(structuredClone(packet));
}

function serverParser(packets: Packet[], packetBytesMax = 1 << 20): PacketParser {
  return new PacketParser({ role: "server", packetBytesMax, onPacket: collector(packets) });
}

function refusal(feed: (parser: PacketParser) => void, packetBytesMax?: number): MqttProtocolError {
  const parser = serverParser([], packetBytesMax);
  try {
    feed(parser);
  } catch (error) {
    assert(error instanceof MqttProtocolError, String(error));
    return error;
  }
  assert.fail("the bytes were accepted");
}

/** After CONNECT of `version`, these bytes are refused with this reason code and statement. */
function refuses(version: 4 | 5, hex: string, [reasonCode, statement]: [number, string]): void {
  const error = refusal((parser) => {
    parser.push(version === 5 ? CONNECT_V5 : CONNECT_V4);
    parser.push(bytes(hex));
  });
  assert.equal(error.reasonCode, reasonCode, `${hex}: ${error.message}`);
  assert.equal(error.statement, statement, `${hex}: ${error.message}`);
}

Deno.test("[MQTT-3.1.0-1] the first packet is CONNECT, refused on its first byte", () => {
  for (const first of ["30", "82", "c0", "e0", "40", "f0"]) {
    assert.equal(refusal((p) => p.push(bytes(first))).statement, "MQTT-3.1.0-1");
  }
});

Deno.test("[MQTT-3.1.0-2] a second CONNECT is a protocol error", () => {
  refuses(4, "100d 0004 4d515454 04 02 003c 0001 61", [0x82, "MQTT-3.1.0-2"]);
});

Deno.test("CONNECT: names, versions and flags that are refused", () => {
  const rows: [string, number, string][] = [
    ["100d 0004 4d515455 04 02 003c 0001 61", 0x82, "MQTT-3.1.2-1"],
    ["100d 0004 4d515454 06 02 003c 0001 61", 0x84, "MQTT-3.1.2-2"],
    ["100f 0006 4d5149736470 04 02 003c 0001 61", 0x84, "MQTT-3.1.2-2"],
    ["110d 0004 4d515454 04 02 003c 0001 61", 0x81, "MQTT-2.1.3-1"],
    ["100d 0004 4d515454 04 03 003c 0001 61", 0x81, "MQTT-3.1.2-3"],
    ["100d 0004 4d515454 04 0a 003c 0001 61", 0x81, "MQTT-3.1.2-11"],
    ["100d 0004 4d515454 04 22 003c 0001 61", 0x81, "MQTT-3.1.2-13"],
    ["1013 0004 4d515454 04 1e 003c 0001 61 0001 61 0001 61", 0x81, "MQTT-3.1.2-12"],
    ["1010 0004 4d515454 04 42 003c 0001 61 0001 61", 0x81, "MQTT 3.1.1 MQTT-3.1.2-22"],
    ["1013 0004 4d515454 04 06 003c 0001 61 0001 23 0001 61", 0x81, "MQTT-3.1.3-11"],
    ["100d 0004 4d515454 04 02 003c 0001 00", 0x85, "MQTT-3.1.3-4"],
    ["100e 0004 4d515454 04 02 003c 0001 61 61", 0x81, "MQTT 5.0 §4.13"],
    ["100a 0004 4d515454 04 02 003c", 0x81, "MQTT 5.0 §4.13"],
    ["1012 0004 4d515454 05 02 003c 04 16 0001 61 0001 61", 0x82, "MQTT 5.0 §3.1.2.11.10"],
  ];
  for (const [hex, code, statement] of rows) {
    const error = refusal((parser) => parser.push(bytes(hex)));
    assert.deepEqual([error.reasonCode, error.statement], [code, statement], hex);
  }
});

Deno.test("3.1 leaves bits open that later versions reserve", () => {
  const packets: Packet[] = [];
  serverParser(packets).push(bytes("140f 0006 4d5149736470 03 01 000a 0001 70"));
  assert.equal(packets[0]!.type === "connect" && packets[0]!.version, 3);
});

Deno.test("[MQTT-1.5.5-1] lengths have at most four bytes and no needless ones", () => {
  refuses(4, "c08000", [0x81, "MQTT-1.5.5-1"]);
  refuses(4, "30ffffffff", [0x81, "MQTT-1.5.5-1"]);
});

Deno.test("[MQTT-2.1.3-1] reserved header bits", () => {
  for (const hex of ["8000", "a000", "6002 0001", "c100", "e100", "4102 0001", "5202 0001"]) {
    refuses(5, hex, [0x81, "MQTT-2.1.3-1"]);
  }
});

Deno.test("packet types that a client may not send", () => {
  for (const hex of ["2002 0000", "9003 0001 00", "b002 0001", "d000"]) {
    refuses(5, hex, [0x82, "MQTT 5.0 §2.1.2"]);
  }
  refuses(5, "0000", [0x81, "MQTT 5.0 §2.1.2"]);
  refuses(4, "f000", [0x81, "MQTT 5.0 §2.1.2"]);
});

Deno.test("PUBLISH: every malformed form", () => {
  refuses(4, "3607 0001 61 0001 6161", [0x81, "MQTT-3.3.1-4"]);
  refuses(4, "3805 0001 61 6161", [0x81, "MQTT-3.3.1-2"]);
  refuses(4, "3002 0000", [0x81, "MQTT-4.7.3-1"]);
  refuses(5, "3003 0000 00", [0x81, "MQTT-4.7.3-1"]);
  refuses(4, "3003 0001 23", [0x81, "MQTT-3.3.2-2"]);
  refuses(4, "3004 0002 612b", [0x81, "MQTT-3.3.2-2"]);
  refuses(4, "3003 0001 00", [0x81, "MQTT-1.5.4-2"]);
  refuses(4, "3005 0003 eda080", [0x81, "MQTT-1.5.4-1"]);
  refuses(4, "3004 0002 c080", [0x81, "MQTT-1.5.4-1"]);
  refuses(4, "3003 0001 1f", [0x81, "MQTT 5.0 §1.5.4"]);
  refuses(4, "3005 0003 efbfbf", [0x81, "MQTT 5.0 §1.5.4"]);
  refuses(4, "3006 0004 f09fbfbf", [0x81, "MQTT 5.0 §1.5.4"]);
  refuses(4, "3205 0001 61 0000", [0x82, "MQTT-2.2.1-3"]);
  refuses(4, "3203 0001 61", [0x81, "MQTT 5.0 §4.13"]);
  refuses(4, "3002 0005", [0x81, "MQTT-3.3.2-1"]);
  refuses(5, "3007 0000 03 23 0000 61", [0x94, "MQTT-3.3.2-8"]);
  refuses(5, "3006 0001 61 02 0b01", [0x82, "MQTT-3.3.4-6"]);
  refuses(5, "3008 0001 61 04 0800 0123", [0x82, "MQTT-3.3.2-14"]);
});

Deno.test("properties: unknown, repeated, misplaced, cut, out of range", () => {
  const rows: [string, number][] = [
    ["02 0400", 0x81],
    ["04 0101 0101", 0x82],
    ["02 0102", 0x82],
    ["02 1700", 0x82],
    ["01 01", 0x81],
    ["01 17", 0x81],
    ["04 26 0001 61", 0x81],
    ["05 80800101 00", 0x81],
    ["03 800001", 0x81],
    ["7f 0101", 0x81],
  ];
  for (const [hex, code] of rows) {
    const body = `0001 61 ${hex}`.replaceAll(" ", "");
    const length = (body.length / 2).toString(16).padStart(2, "0");
    const error = refusal((parser) => {
      parser.push(CONNECT_V5);
      parser.push(bytes(`30${length}${body}`));
    });
    assert.equal(error.reasonCode, code, `${hex}: ${error.message}`);
  }
});

Deno.test("SUBSCRIBE and UNSUBSCRIBE: every malformed form", () => {
  refuses(4, "8202 0001", [0x82, "MQTT-3.8.3-2"]);
  refuses(4, "8206 0000 0001 61 00", [0x82, "MQTT-2.2.1-3"]);
  refuses(4, "8206 0001 0001 61 03", [0x81, "MQTT 5.0 §3.8.3.1"]);
  refuses(4, "8206 0001 0001 61 04", [0x81, "MQTT-3.8.3-5"]);
  refuses(5, "8207 0001 00 0001 61 40", [0x81, "MQTT-3.8.3-5"]);
  refuses(5, "8207 0001 00 0001 61 30", [0x82, "MQTT 5.0 §3.8.3.1"]);
  refuses(4, "8207 0001 0002 6123 00", [0x81, "MQTT-4.7.1-1"]);
  refuses(4, "8205 0001 0000 00", [0x81, "MQTT-4.7.1-1"]);
  refuses(5, "8210 0001 00 000a 2473686172652f672f61 04", [0x82, "MQTT-3.8.3-4"]);
  refuses(5, "8209 0001 02 0b00 0001 61 00", [0x82, "MQTT 5.0 §2.2.2"]);
  refuses(4, "a202 0001", [0x82, "MQTT-3.10.3-2"]);
  refuses(4, "a204 0001 0000", [0x81, "MQTT-4.7.1-1"]);
});

Deno.test("acknowledgements, pings, DISCONNECT and AUTH: every malformed form", () => {
  refuses(4, "4003 0001 00", [0x81, "MQTT 3.1.1 §2.2.3"]);
  refuses(5, "4003 0001 01", [0x81, "MQTT-3.4.2-1"]);
  refuses(5, "6203 0001 80", [0x81, "MQTT 5.0 §2.4"]);
  refuses(4, "4002 0000", [0x82, "MQTT-2.2.1-3"]);
  refuses(4, "c001 00", [0x81, "MQTT 5.0 §3.12.1"]);
  refuses(4, "e001 00", [0x81, "MQTT 3.1.1 §2.2.3"]);
  refuses(5, "e001 8e", [0x81, "MQTT-3.14.2-1"]);
  refuses(5, "f001 05", [0x81, "MQTT-3.15.2-1"]);
  refuses(5, "f002 1800", [0x82, "MQTT 5.0 §3.15.2.2.2"]);
  refuses(5, "5004 0001 00 01", [0x81, "MQTT 5.0 §2.2.2.1"]);
});

Deno.test("a lie about the length is refused on the header and costs no memory", () => {
  const error = refusal((parser) => {
    parser.push(CONNECT_V4);
    parser.push(bytes("30ffffff7f"));
  }, 1 << 20);
  assert.equal(error.reasonCode, 0x95);
  const parser = serverParser([], 300 << 20);
  parser.push(CONNECT_V4);
  parser.push(bytes("30ffffff7f 0001 61"));
  assert(parser.bufferedBytes <= 4096, `${parser.bufferedBytes}`);
});

Deno.test("a 20 MB payload arrives in pieces of 64 KiB, buffered once", () => {
  const payload = new Uint8Array(20 << 20).map((_, i) => i * 31);
  const packet: Packet = {
    type: "publish",
    topic: "big",
    payload,
    qos: 1,
    retain: false,
    dup: false,
    packetId: 7,
    properties: null,
  };
  const wire = encodePacket(packet, 4);
  const packets: Packet[] = [];
  const parser = serverParser(packets, 21 << 20);
  parser.push(CONNECT_V4);
  for (let at = 0; at < wire.length; at += 65_536) {
    parser.push(wire.subarray(at, at + 65_536));
    assert(parser.bufferedBytes <= wire.length);
  }
  const got = packets[1]!;
  assert(got.type === "publish" && Buffer.compare(got.payload, payload) === 0);
  assert.equal(parser.bufferedBytes, 0);
});

Deno.test("hold stops after the packet and release goes on in order", () => {
  const seen: string[] = [];
  const parser: PacketParser = new PacketParser({
    role: "server",
    packetBytesMax: 1000,
    onPacket(packet) {
      seen.push(packet.type === "publish" ? packet.topic : packet.type);
      parser.hold();
    },
  });
  parser.push(Uint8Array.from([...CONNECT_V4, ...bytes("3003 0001 61 3003 0001 62 c0")]));
  parser.push(bytes("00"));
  assert.deepEqual(seen, ["connect"]);
  for (const expected of ["a", "b", "pingreq"]) {
    parser.release();
    assert.equal(seen.at(-1), expected);
  }
});

Deno.test("after a refusal, or stop, nothing more is decoded", () => {
  const packets: Packet[] = [];
  const parser = serverParser(packets);
  parser.push(CONNECT_V4);
  assert.throws(() => parser.push(bytes("3605 0001 61 6161 c000")));
  parser.push(bytes("c000"));
  assert.equal(packets.length, 1);
});

/** What the other side decodes, fed in pieces of the given sizes. */
function decodeInPieces(wire: Uint8Array, sizes: number[], directed: DirectedPacket): Packet[] {
  const packets: Packet[] = [];
  const parser = new PacketParser({
    role: directed.from === "client" ? "server" : "client",
    packetBytesMax: 1 << 20,
    version: directed.version,
    onPacket: collector(packets),
  });
  if (directed.from === "client" && directed.packet.type !== "connect") {
    parser.push(connectFor(directed.version));
    packets.length = 0;
  }
  let at = 0;
  for (let i = 0; at < wire.length; i++) {
    const size = sizes[i % sizes.length]!;
    parser.push(wire.slice(at, at + size));
    at += size;
  }
  return packets;
}

function connectFor(version: ProtocolVersion): Uint8Array {
  return encodePacket({
    type: "connect",
    version,
    cleanStart: true,
    keepAlive: 60,
    clientId: "a",
    username: null,
    password: null,
    will: null,
    properties: null,
  }, version);
}

Deno.test("every packet survives the round trip in any split", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(anyPacket(), sizes, (directed, pieces) => {
      const wire = encodePacket(directed.packet, directed.version);
      const [got, ...more] = decodeInPieces(wire, pieces, directed);
      assert.equal(more.length, 0);
      assert.deepEqual(got, structuredClone(directed.packet));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("mutated packets cause nothing but MqttProtocolError", () => {
  const mutation = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });
  fc.assert(
    fc.property(
      anyPacket(),
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 50 }),
      (directed, mutations, size) => {
        const wire = encodePacket(directed.packet, directed.version);
        for (const { at, value } of mutations) wire[at % wire.length] = value;
        try {
          decodeInPieces(wire, [size], directed);
        } catch (error) {
          assert(error instanceof MqttProtocolError, String(error));
        }
      },
    ),
    { numRuns: 5000 },
  );
});
