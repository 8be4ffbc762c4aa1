/** Arbitrary legal packets for the property tests of codec, server and client. */

import fc from "fast-check";
import type { Packet, Properties, ProtocolVersion, Qos, WillMessage } from "@/mqtt/codec/packet.ts";
import {
  AUTH_CODES,
  CLIENT_DISCONNECT_CODES,
  CONNACK_CODES,
  PUBLISH_RESPONSE_CODES,
  RELEASE_CODES,
  SERVER_DISCONNECT_CODES,
  SUBACK_CODES,
  UNSUBACK_CODES,
} from "@/mqtt/codec/reason_code.ts";

/** A packet with its version and sender. */
export interface DirectedPacket {
  packet: Packet;
  version: ProtocolVersion;
  from: "client" | "server";
}

const text = fc.string({
  unit: fc.constantFrom("a", "B", "7", "é", "€", "😀", " "),
  maxLength: 12,
});
const topic = fc.string({ unit: fc.constantFrom("a", "b", "/", "ü"), minLength: 1, maxLength: 20 });
const filter = fc.constantFrom("a", "a/b", "+", "#", "a/+/b", "/#", "$share/g/a/#");
const data = fc.uint8Array({ maxLength: 40 });
const maybeData: fc.Arbitrary<Uint8Array | null> = fc.option(data, { nil: null });
const payload = fc.uint8Array({ maxLength: 400 });
const qos = fc.constantFrom<Qos>(0, 1, 2);
const packetId = fc.integer({ min: 1, max: 65_535 });
const flag = fc.integer({ min: 0, max: 1 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const userProperties = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 3 });

type Shape = { [K in keyof Properties]: fc.Arbitrary<NonNullable<Properties[K]>> };

/** Any subset of `shape`; none at all is null, as it is on the wire. */
function properties(version: ProtocolVersion, shape: Shape): fc.Arbitrary<Properties | null> {
  if (version !== 5) return fc.constant(null);
  return fc.record({ ...shape, userProperties }, { requiredKeys: [] })
    .map((found) => Object.keys(found).length === 0 ? null : found as Properties);
}

function oneOf(codes: ReadonlySet<number>): fc.Arbitrary<number> {
  return fc.constantFrom(...codes);
}

const WILL_SHAPE: Shape = {
  payloadFormatIndicator: flag,
  messageExpiryInterval: u32,
  contentType: text,
  responseTopic: topic,
  correlationData: data,
};

function will(version: ProtocolVersion): fc.Arbitrary<WillMessage | null> {
  const shape: Shape = { ...WILL_SHAPE, willDelayInterval: u32 };
  const message = fc.record({
    topic,
    payload,
    qos,
    retain: fc.boolean(),
    properties: properties(version, shape),
  });
  return fc.option(message);
}

function connect(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc.record({
    type: fc.constant("connect" as const),
    version: fc.constant(version),
    cleanStart: fc.boolean(),
    keepAlive: u16,
    clientId: text,
    username: text,
    password: maybeData,
    will: will(version),
    properties: properties(version, {
      sessionExpiryInterval: u32,
      receiveMaximum: packetId,
      maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
      topicAliasMaximum: u16,
      requestResponseInformation: flag,
      requestProblemInformation: flag,
      authenticationMethod: text,
    }),
  });
}

function connack(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc.record({
    type: fc.constant("connack" as const),
    sessionPresent: fc.constant(false),
    reasonCode: version === 5 ? oneOf(CONNACK_CODES) : fc.integer({ min: 0, max: 5 }),
    properties: properties(version, {
      sessionExpiryInterval: u32,
      receiveMaximum: packetId,
      maximumQos: flag,
      retainAvailable: flag,
      maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
      assignedClientIdentifier: text,
      topicAliasMaximum: u16,
      reasonString: text,
      wildcardSubscriptionAvailable: flag,
      subscriptionIdentifierAvailable: flag,
      sharedSubscriptionAvailable: flag,
      serverKeepAlive: u16,
      responseInformation: text,
      serverReference: text,
      authenticationMethod: text,
      authenticationData: data,
    }),
  });
}

function publish(version: ProtocolVersion, from: "client" | "server"): fc.Arbitrary<Packet> {
  const identifiers = fc.array(fc.integer({ min: 1, max: 268_435_455 }), {
    minLength: 1,
    maxLength: 3,
  });
  const shape: Shape = { ...WILL_SHAPE, topicAlias: packetId };
  if (from === "server") shape.subscriptionIdentifiers = identifiers;
  return fc.record({
    type: fc.constant("publish" as const),
    topic,
    payload,
    qos,
    retain: fc.boolean(),
    dup: fc.boolean(),
    packetId,
    properties: properties(version, shape),
  }).map((packet) => packet.qos === 0 ? { ...packet, dup: false, packetId: 0 } : packet);
}

function acknowledgement(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const shape: Shape = { reasonString: text };
  const build = (type: "puback" | "pubrec" | "pubrel" | "pubcomp") =>
    fc.record({
      type: fc.constant(type),
      packetId,
      reasonCode: version !== 5
        ? fc.constant(0)
        : oneOf(type === "puback" || type === "pubrec" ? PUBLISH_RESPONSE_CODES : RELEASE_CODES),
      properties: properties(version, shape),
    });
  return fc.oneof(build("puback"), build("pubrec"), build("pubrel"), build("pubcomp"));
}

function subscribe(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const option = version === 5 ? fc.boolean() : fc.constant(false);
  const request = fc.record({
    filter,
    qos,
    noLocal: option,
    retainAsPublished: option,
    retainHandling: version === 5 ? fc.constantFrom<0 | 1 | 2>(0, 1, 2) : fc.constant<0>(0),
  }).map((r) => r.filter.startsWith("$share/") ? { ...r, noLocal: false } : r);
  return fc.record({
    type: fc.constant("subscribe" as const),
    packetId,
    subscriptions: fc.array(request, { minLength: 1, maxLength: 4 }),
    properties: properties(version, {
      subscriptionIdentifiers: fc.tuple(fc.integer({ min: 1, max: 268_435_455 })),
    }),
  });
}

function suback(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const code = version === 5 ? oneOf(SUBACK_CODES) : fc.constantFrom(0, 1, 2, 0x80);
  return fc.record({
    type: fc.constant("suback" as const),
    packetId,
    reasonCodes: fc.array(code, { minLength: 1, maxLength: 4 }),
    properties: properties(version, { reasonString: text }),
  });
}

function unsubscribe(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc.record({
    type: fc.constant("unsubscribe" as const),
    packetId,
    filters: fc.array(filter, { minLength: 1, maxLength: 4 }),
    properties: properties(version, {}),
  });
}

function unsuback(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc.record({
    type: fc.constant("unsuback" as const),
    packetId,
    reasonCodes: version === 5
      ? fc.array(oneOf(UNSUBACK_CODES), { minLength: 1, maxLength: 4 })
      : fc.constant<number[]>([]),
    properties: properties(version, { reasonString: text }),
  });
}

function disconnect(version: ProtocolVersion, from: "client" | "server"): fc.Arbitrary<Packet> {
  const codes = from === "client" ? CLIENT_DISCONNECT_CODES : SERVER_DISCONNECT_CODES;
  const shape: Shape = { reasonString: text, serverReference: text };
  if (from === "client") shape.sessionExpiryInterval = u32;
  return fc.record({
    type: fc.constant("disconnect" as const),
    reasonCode: version === 5 ? oneOf(codes) : fc.constant(0),
    properties: properties(version, shape),
  });
}

function auth(): fc.Arbitrary<Packet> {
  return fc.record({
    type: fc.constant("auth" as const),
    reasonCode: oneOf(AUTH_CODES),
    properties: fc.record({ authenticationMethod: text, authenticationData: data }),
  });
}

function fromClient(version: ProtocolVersion): fc.Arbitrary<Packet>[] {
  return [
    connect(version),
    subscribe(version),
    unsubscribe(version),
    fc.constant({
      type: "pingreq" as const,
    }),
  ];
}

function fromServer(version: ProtocolVersion): fc.Arbitrary<Packet>[] {
  return [
    connack(version),
    suback(version),
    unsuback(version),
    fc.constant({
      type: "pingresp" as const,
    }),
  ];
}

/** Any legal packet of any version from either side. */
export function anyPacket(): fc.Arbitrary<DirectedPacket> {
  const sides = fc.constantFrom<"client" | "server">("client", "server");
  const versions = fc.constantFrom<ProtocolVersion>(3, 4, 5);
  return fc.tuple(versions, sides).chain(([version, from]) => {
    const both = [publish(version, from), acknowledgement(version)];
    const own = from === "client" ? fromClient(version) : fromServer(version);
    if (from === "client" || version === 5) own.push(disconnect(version, from));
    if (version === 5) own.push(auth());
    return fc.oneof(...both, ...own).map((packet) => ({ packet, version, from }));
  });
}
