/**
 * The corpus of wrong bytes: every systematic change of valid packets. What must become of each is
 * said by `judge.ts`, so that a change that happens to be harmless is known as such.
 */

import {
  acknowledgement,
  type Bytes,
  coded,
  connect,
  field,
  packet,
  PROPERTIES,
  properties,
  property,
  publish,
  subscribe,
  text,
  u16,
  unsubscribe,
  varint,
  type Version,
} from "@/tests/mqtt/wire.ts";

export interface Sequence {
  name: string;
  version: Version;
  bytes: Uint8Array;
  /** It is the first on its connection. */
  isFirst: boolean;
}

interface Base {
  name: string;
  version: Version;
  bytes: Bytes;
  isFirst?: boolean;
}

/** Valid packets of a client, each with everything that it can carry. */
export function basePackets(version: Version): Base[] {
  const list = version === 5 ? [["user", "k:v"]] as const : [];
  const acks: Base[] = [0x40, 0x50, 0x62, 0x70].flatMap((first) => {
    const bytes = [acknowledgement(first, { id: 300 })];
    if (version === 5) {
      bytes.push(acknowledgement(first, { id: 300, code: 0 }));
      bytes.push(acknowledgement(first, { id: 300, code: 0, list: [["reason", "r"], ...list] }));
    }
    return bytes.map((b, i) => ({ name: `0x${first.toString(16)} form ${i}`, version, bytes: b }));
  });
  return [
    {
      name: "PUBLISH QoS 0",
      version,
      bytes: publish(version, { topic: "a/b", payload: "p", properties: list }),
    },
    {
      name: "PUBLISH QoS 1",
      version,
      bytes: publish(version, { topic: "a/b", payload: "p", qos: 1, id: 300, retain: true }),
    },
    {
      name: "PUBLISH QoS 2",
      version,
      bytes: publish(version, { topic: "a/b", qos: 2, id: 300, dup: true, properties: list }),
    },
    ...acks,
    {
      name: "SUBSCRIBE",
      version,
      bytes: subscribe(version, { id: 300, filters: [["a/+", 1], ["$share/g/#", 2]], list }),
    },
    {
      name: "UNSUBSCRIBE",
      version,
      bytes: unsubscribe(version, { id: 300, filters: ["a/+", "b/#"], list }),
    },
    { name: "PINGREQ", version, bytes: [0xc0, 0] },
    { name: "DISCONNECT", version, bytes: coded(0xe0) },
    ...(version === 5 ? onlyIn5() : []),
  ];
}

function onlyIn5(): Base[] {
  const all = [
    ["format", "1"],
    ["expiry", "60"],
    ["content", "c"],
    ["response", "r/t"],
    ["correlation", "d"],
    ["alias", "3"],
    ["user", "k:v"],
  ] as const;
  return [
    {
      name: "PUBLISH with all properties",
      version: 5,
      bytes: publish(5, { topic: "a", payload: "p", qos: 1, id: 300, properties: all }),
    },
    {
      name: "DISCONNECT with reason",
      version: 5,
      bytes: coded(0xe0, 4, [["reason", "r"], ["user", "k:v"]]),
    },
    { name: "AUTH", version: 5, bytes: coded(0xf0, 0x18, [["method", "m"], ["data", "d"]]) },
  ];
}

export function connectPackets(version: Version): Base[] {
  const is5 = version === 5;
  const everything = connect({
    version,
    clientId: "c",
    keepAlive: 60,
    username: "u",
    password: "p",
    will: {
      topic: "w",
      payload: "m",
      qos: 1,
      properties: is5 ? [["delay", "5"], ["content", "c"]] : [],
    },
    properties: is5 ? [["session", "5"], ["receivemax", "10"], ["user", "k:v"]] : [],
  });
  const least = connect({ version, clientId: "c" });
  return [
    { name: "CONNECT with everything", version, bytes: everything, isFirst: true },
    { name: "the least CONNECT", version, bytes: least, isFirst: true },
  ];
}

/** Header of one byte and the body behind the remaining length. */
function split(bytes: Bytes): { first: number; body: Bytes } {
  let at = 1;
  while (bytes[at]! > 0x7f) at++;
  return { first: bytes[0]!, body: bytes.slice(at + 1) };
}

function change(base: Base, what: string, bytes: Bytes): Sequence {
  const { name, version, isFirst = false } = base;
  return { name: `${name}, ${what}`, version, bytes: Uint8Array.from(bytes), isFirst };
}

/** Each bit of the first byte. */
function firstByte(base: Base): Sequence[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].map((bit) =>
    change(base, `first byte bit ${bit}`, [base.bytes[0]! ^ 1 << bit, ...base.bytes.slice(1)])
  );
}

/** The body ends early or late, and the remaining length tells so. */
function lengths(base: Base): Sequence[] {
  const { first, body } = split(base.bytes);
  const cut = body.map((_, end) =>
    change(base, `cut to ${end}`, packet(first, body.slice(0, end)))
  );
  const trailing = [[0], [0xff], [0, 0], text("x"), [0x26, ...text("k"), ...text("v")]];
  const longer = trailing.map((tail, i) =>
    change(base, `trailing bytes ${i}`, packet(first, [...body, ...tail]))
  );
  return [...cut, ...longer];
}

/** The remaining length lies about the body. */
function lies(base: Base): Sequence[] {
  const { first, body } = split(base.bytes);
  const forms: [string, number[]][] = [
    ["one too few", varint(Math.max(0, body.length - 1))],
    ["one too many", varint(body.length + 1)],
    ["zero", [0]],
    ["the highest", [0xff, 0xff, 0xff, 0x7f]],
    ["five bytes", [0x80, 0x80, 0x80, 0x80, 0x01]],
    ["two bytes for one", [body.length | 0x80, 0]],
    ["four bytes for one", [body.length | 0x80, 0x80, 0x80, 0]],
  ];
  return forms.map(([what, length]) =>
    change(base, `length: ${what}`, [first, ...length, ...body])
  );
}

/** Every byte of the body takes values that break things. */
function bytesOf(base: Base): Sequence[] {
  const { first, body } = split(base.bytes);
  return body.flatMap((byte, i) =>
    [0x00, 0xff, byte ^ 0x80, byte + 1 & 0xff, byte ^ 0x01].map((value) =>
      change(base, `byte ${i} = ${value}`, packet(first, body.with(i, value)))
    )
  );
}

/** Every property in every packet: alone, twice, cut; and with values at the edge. */
function propertyPlaces(): Sequence[] {
  const places: [string, (list: Bytes) => number[]][] = [
    ["PUBLISH", (list) => packet(0x30, [...text("t"), ...list])],
    ["PUBACK", (list) => packet(0x40, [...u16(9), 0, ...list])],
    ["PUBREC", (list) => packet(0x50, [...u16(9), 0, ...list])],
    ["PUBREL", (list) => packet(0x62, [...u16(9), 0, ...list])],
    ["PUBCOMP", (list) => packet(0x70, [...u16(9), 0, ...list])],
    ["SUBSCRIBE", (list) => packet(0x82, [...u16(9), ...list, ...text("t"), 0])],
    ["UNSUBSCRIBE", (list) => packet(0xa2, [...u16(9), ...list, ...text("t")])],
    ["DISCONNECT", (list) => packet(0xe0, [0, ...list])],
    ["AUTH", (list) => packet(0xf0, [0x18, ...list])],
    ["CONNECT", (list) => connectWith(list, [])],
    ["will", (list) => connectWith([0], list)],
  ];
  return places.flatMap(([place, make]) =>
    Object.keys(PROPERTIES).flatMap((name) => propertyForms(place, { name, make }))
  );
}

function connectWith(list: Bytes, will: Bytes): number[] {
  const hasWill = will.length > 0;
  return packet(0x10, [
    ...[...text("MQTT"), 5, hasWill ? 6 : 2, 0, 0, ...list, ...text("c")],
    ...(hasWill ? [...will, ...text("w"), ...text("m")] : []),
  ]);
}

const ONE_VALUE: Readonly<Record<string, string>> = {
  flag: "1",
  u16: "1",
  // As the maximum packet size it must leave room for CONNACK.
  u32: "100",
  varint: "1",
  text: "x",
  data: "x",
  pair: "k:v",
};

function propertyForms(
  place: string,
  { name, make }: { name: string; make: (list: Bytes) => number[] },
): Sequence[] {
  const kind = PROPERTIES[name]!.kind;
  const one = property(name, ONE_VALUE[kind]!);
  const twice = [...one, ...one];
  const cut = one.slice(0, -1);
  const isNumber = kind === "flag" || kind === "u16" || kind === "u32" || kind === "varint";
  const low = isNumber ? property(name, "0") : property(name, kind === "pair" ? ":" : "");
  const high = one.with(1, 0xff);
  const forms: [string, number[]][] = [
    ["", [...varint(one.length), ...one]],
    ["twice", [...varint(twice.length), ...twice]],
    ["cut", [...varint(cut.length), ...cut]],
    ["without value", [1, one[0]!]],
    ["lowest", [...varint(low.length), ...low]],
    ["high", [...varint(high.length), ...high]],
    ["length beyond", [...varint(one.length + 1), ...one]],
    ["length too short", [...varint(one.length - 1), ...one]],
  ];
  const isFirst = place === "CONNECT" || place === "will";
  return forms.map(([what, list]) =>
    change(
      { name: `property ${name} in ${place}`, version: 5, bytes: [], isFirst },
      what,
      make(list),
    )
  );
}

/** Texts, good and bad, by class. */
export const TEXTS: readonly (readonly [string, string])[] = [
  ["ASCII", "61"],
  ["two bytes", "c3a9"],
  ["three bytes", "e282ac"],
  ["four bytes", "f09f9880"],
  ["the last character", "f48fbfbd"],
  ["a byte order mark", "efbbbf61"],
  ["a private character", "ee8080"],
  ["a lone continuation", "80"],
  ["continuation 0xBF", "61bf"],
  ["a lead without continuation", "c3"],
  ["a lead and ASCII", "c361"],
  ["three bytes cut", "e282"],
  ["four bytes cut", "f09f98"],
  ["overlong slash in two", "c0af"],
  ["overlong NUL in two", "c080"],
  ["overlong in three", "e080af"],
  ["overlong in four", "f08080af"],
  ["0xC1", "c1bf"],
  ["high surrogate", "eda080"],
  ["low surrogate", "edbfbf"],
  ["a surrogate pair", "eda0bdedb880"],
  ["beyond U+10FFFF", "f4908080"],
  ["0xF5", "f5808080"],
  ["five bytes", "f888808080"],
  ["0xFE", "fe"],
  ["0xFF", "ff"],
  ["NUL", "610061"],
  ["U+0001", "01"],
  ["U+001F", "611f"],
  ["U+007F", "7f"],
  ["U+0080", "c280"],
  ["U+009F", "c29f"],
  ["U+00A0", "c2a0"],
  ["U+FDD0", "efb790"],
  ["U+FDEF", "efb7af"],
  ["U+FFFE", "efbfbe"],
  ["U+FFFF", "efbfbf"],
  ["U+1FFFE", "f09fbfbe"],
  ["U+10FFFF", "f48fbfbf"],
];

function texts(version: Version): Sequence[] {
  const none = version === 5 ? [0] : [];
  const places: [string, (bytes: Bytes) => number[]][] = [
    ["topic name", (b) => packet(0x30, [...field(b), ...none])],
    ["SUBSCRIBE filter", (b) => packet(0x82, [0, 9, ...none, ...field(b), 0])],
    ["UNSUBSCRIBE filter", (b) => packet(0xa2, [0, 9, ...none, ...field(b)])],
    ...(version === 5 ? textsOf5() : []),
  ];
  const connects: [string, (bytes: Bytes) => number[]][] = [
    ["client identifier", (b) => connectText(version, [2, field(b)])],
    [
      "will topic",
      (b) => connectText(version, [6, text("c"), [...none, ...field(b), ...text("m")]]),
    ],
    ["user name", (b) => connectText(version, [0x82, text("c"), field(b)])],
  ];
  const all = [
    ...places.map(([place, make]) => [place, make, false] as const),
    ...connects.map(([place, make]) => [place, make, true] as const),
  ];
  return all.flatMap(([place, make, isFirst]) =>
    TEXTS.map(([what, hex]) =>
      change({ name: place, version, bytes: [], isFirst }, what, make([...Uint8Array.fromHex(hex)]))
    )
  );
}

function textsOf5(): [string, (bytes: Bytes) => number[]][] {
  const inPublish = (list: Bytes) => packet(0x30, [...text("t"), ...varint(list.length), ...list]);
  return [
    ["response topic", (b) => inPublish([0x08, ...field(b)])],
    ["content type", (b) => inPublish([0x03, ...field(b)])],
    ["user property name", (b) => inPublish([0x26, ...field(b), ...text("v")])],
    ["user property value", (b) => inPublish([0x26, ...text("k"), ...field(b)])],
    ["correlation data", (b) => inPublish([0x09, ...field(b)])],
    ["reason string", (b) => packet(0xe0, [0, b.length + 3, 0x1f, ...field(b)])],
  ];
}

function connectText(version: Version, [flags, ...fields]: [number, ...Bytes[]]): number[] {
  const none = version === 5 ? [0] : [];
  return packet(0x10, [...text("MQTT"), version, flags, 0, 0, ...none, ...fields.flat()]);
}

/** All 256 connect flags, with the fields that they ask for and with all fields. */
function connectFlags(version: Version): Sequence[] {
  const none = version === 5 ? [0] : [];
  const will = [...none, ...text("w"), ...text("m")];
  return Array.from({ length: 256 }, (_, flags) => flags).flatMap((flags) => {
    const asked = [
      ...((flags & 4) !== 0 ? will : []),
      ...((flags & 0x80) !== 0 ? text("u") : []),
      ...((flags & 0x40) !== 0 ? text("p") : []),
    ];
    const base = {
      name: `connect flags 0x${flags.toString(16)}`,
      version,
      bytes: [],
      isFirst: true,
    };
    return [
      change(base, "fields as asked", connectText(version, [flags, text("c"), asked])),
      change(base, "no fields", connectText(version, [flags, text("c")])),
    ];
  });
}

/** Every value of the options byte of SUBSCRIBE, on an ordinary and on a shared filter. */
function subscribeOptions(version: Version): Sequence[] {
  return Array.from({ length: 256 }, (_, options) => options).flatMap((options) =>
    ["t", "$share/g/t"].map((filter) =>
      change(
        { name: `options 0x${options.toString(16)}`, version, bytes: [] },
        filter,
        subscribe(version, { id: 9, filters: [[filter, options]] }),
      )
    )
  );
}

/** Every reason code in every packet that has one. */
function reasonCodes(): Sequence[] {
  return Array.from({ length: 256 }, (_, code) => code).flatMap((code) =>
    [0x40, 0x50, 0x62, 0x70, 0xe0, 0xf0].map((first) => {
      const isAck = first < 0x80;
      const bytes = isAck ? acknowledgement(first, { id: 9, code }) : coded(first, code);
      return change(
        { name: `first byte 0x${first.toString(16)}`, version: 5, bytes: [] },
        `code ${code}`,
        bytes,
      );
    })
  );
}

/** The corpus by groups. */
export function corpus(): Record<string, Sequence[]> {
  const versions: Version[] = [4, 5];
  const bases = versions.flatMap((version) => [
    ...basePackets(version),
    ...connectPackets(version),
  ]);
  return {
    "first byte": bases.flatMap(firstByte),
    "body too short or too long": bases.flatMap(lengths),
    "remaining length that lies": bases.flatMap(lies),
    "bytes of the body": bases.flatMap(bytesOf),
    "property places": propertyPlaces(),
    "text classes": versions.flatMap(texts),
    "connect flags": versions.flatMap(connectFlags),
    "subscribe options": versions.flatMap(subscribeOptions),
    "reason codes": reasonCodes(),
    "property length forms": propertyLengths(),
  };
}

/** The property length itself, wrong in every way. */
function propertyLengths(): Sequence[] {
  const forms: [string, Bytes][] = [
    ["missing", []],
    ["non-minimal zero", [0x80, 0x00]],
    ["five bytes", [0x80, 0x80, 0x80, 0x80, 0x01]],
    ["unending", [0xff]],
    ["beyond the packet", [0x7f]],
    ["unknown property 0", [2, 0x00, 0x00]],
    ["unknown property 4", [2, 0x04, 0x00]],
    ["unknown property 43", [2, 0x2b, 0x00]],
    ["property identifier of two bytes", [3, 0x81, 0x00, 0x01]],
    ["a valid list", properties([["user", "k:v"]])],
  ];
  const places: [string, (list: Bytes) => number[]][] = [
    ["PUBLISH", (list) => packet(0x30, [...text("t"), ...list])],
    ["SUBSCRIBE", (list) => packet(0x82, [0, 9, ...list, ...text("t"), 0])],
    ["UNSUBSCRIBE", (list) => packet(0xa2, [0, 9, ...list, ...text("t")])],
    ["PUBACK", (list) => packet(0x40, [0, 9, 0, ...list])],
    ["DISCONNECT", (list) => packet(0xe0, [4, ...list])],
  ];
  return places.flatMap(([place, make]) =>
    forms.map(([what, list]) =>
      change({ name: place, version: 5, bytes: [] }, `property length ${what}`, make(list))
    )
  );
}
