/** Sends a sequence of bytes to the broker and holds what happens against the judge's verdict. */

import assert from "node:assert/strict";
import { Fixture } from "@/tests/mqtt/fixture.ts";
import { connectVersion, judge, type Verdict } from "@/tests/mqtt/judge.ts";
import type { Sequence } from "@/tests/mqtt/malformed.ts";
import type { RawClient } from "@/tests/mqtt/raw_client.ts";
import { connect, publish, subscribe, type Version } from "@/tests/mqtt/wire.ts";

const PACKET_BYTES_MAX = 4096;
const TOPIC_ALIAS_MAXIMUM = 64;
const PING = [0xc0, 0];

/** A broker with small limits, on which equal client identifiers do not meet. */
export async function startTarget(): Promise<Fixture> {
  return await Fixture.start({
    isolated: true,
    limits: {
      packetBytesMax: PACKET_BYTES_MAX,
      connectBytesMax: PACKET_BYTES_MAX,
      topicAliasMaximum: TOPIC_ALIAS_MAXIMUM,
      retainedMessagesMax: 1000,
      sessionsMax: 1000,
      queuedMessagesMax: 50,
    },
  });
}

export interface PlayOptions {
  /** Is served meanwhile. */
  control: RawClient;
  /** Where the bytes are cut into pieces that are sent apart; default: nowhere. */
  cuts?: readonly number[];
}

/** Empty when the broker did as it must, else what it did. */
export async function play(
  fixture: Fixture,
  sequence: Sequence,
  { control, cuts = [] }: PlayOptions,
): Promise<string> {
  await using client = await fixture.dial(answerVersion(sequence) ?? 4);
  if (!sequence.isFirst) {
    client.send(connect({ version: sequence.version, clientId: "" }));
    await client.next();
  }
  const verdict = verdictOn(sequence);
  try {
    await sendInPieces(client, sequence.bytes, cuts);
    return await compare(client, control, { sequence, verdict });
  } catch (error) {
    return `${verdict.kind}, but ${(error as Error).message}`;
  }
}

async function sendInPieces(
  client: RawClient,
  bytes: Uint8Array,
  cuts: readonly number[],
): Promise<void> {
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    if (to <= from) continue;
    await client.sendAll(bytes.subarray(from, to));
    from = to;
  }
}

function verdictOn({ bytes, version, isFirst }: Sequence): Verdict {
  return judge(bytes, {
    version,
    isFirst,
    topicAliasMaximum: TOPIC_ALIAS_MAXIMUM,
    packetBytesMax: PACKET_BYTES_MAX,
  });
}

/** In which the server answers; null where it cannot know it, and so is silent. */
function answerVersion({ bytes, version, isFirst }: Sequence): Version | null {
  return isFirst ? connectVersion(bytes, PACKET_BYTES_MAX) : version;
}

async function compare(
  client: RawClient,
  control: RawClient,
  { sequence, verdict }: { sequence: Sequence; verdict: Verdict },
): Promise<string> {
  switch (verdict.kind) {
    case "leaves": {
      await client.closed();
      const said = spoken(client).filter((head) => head !== "connack 0 0");
      return said.length === 0 ? "" : `leaves, but it said ${said}`;
    }
    case "refused":
      await client.closed();
      return refusalFault(client, sequence, verdict);
    case "waits":
      await served(control);
      return client.isClosed ? `did not wait: ${client.packets.at(-1)?.line}` : "";
    case "unclear":
      client.cut();
      return "";
    case "fine":
      client.send(PING);
      await client.until(
        () => client.isClosed || client.packets.some(({ head }) => head === "pingresp"),
        "the answer to a ping",
      );
      return client.isClosed ? `refused with ${client.packets.at(-1)?.line}` : "";
  }
}

/** 5.0: one packet with one of the codes; before: nothing, or return code 1 or 2 for CONNECT. */
function refusalFault(
  client: RawClient,
  sequence: Sequence,
  { codes, isConnect }: Verdict & { kind: "refused" },
): string {
  const said = spoken(client);
  // The CONNECT before it was good.
  if (sequence.isFirst && !isConnect && said.shift() !== "connack 0 0") return "said no CONNACK";
  if (answerVersion(sequence) !== 5) {
    const isCoded = codes.includes(0x84) && said[0] === "connack 0 1" ||
      codes.includes(0x85) && said[0] === "connack 0 2";
    return said.length === 0 || said.length === 1 && isCoded ? "" : `said ${said}`;
  }
  const name = isConnect ? "connack 0" : "disconnect";
  const allowed = codes.map((code) => `${name} 0x${code.toString(16)}`);
  return said.length === 1 && allowed.includes(said[0]!) ? "" : `said ${said}, not ${allowed}`;
}

/** What was said besides the answers to good packets before the last one. */
function spoken(client: RawClient): string[] {
  return client.packets.map(({ head }) => head)
    .filter((head) =>
      !/^(puback|pubrec|pubrel|pubcomp|suback|unsuback|publish|pingresp)/.test(head)
    );
}

/** The control connection sends itself a message. */
export async function served(control: RawClient): Promise<void> {
  control.send(publish(4, { topic: "control", payload: "here" }));
  const { line } = await control.next();
  assert.equal(line, 'publish control "here"');
}

export async function connectControl(fixture: Fixture): Promise<RawClient> {
  const control = await fixture.dial(4);
  control.send(connect({ version: 4, clientId: "" }));
  await control.next();
  control.send(subscribe(4, { id: 1, filters: [["control", 0]] }));
  await control.next();
  return control;
}

export function describe({ name, version, bytes }: Sequence): string {
  return `${version === 5 ? "5.0" : "3.1.1"} ${name} ${bytes.toHex()}`;
}
