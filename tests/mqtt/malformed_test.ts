/** Runs the corpus of wrong bytes; meanwhile another connection is served. */
import assert from "node:assert/strict";
import { Fixture } from "@/tests/mqtt/fixture.ts";
import { connectVersion, judge, type Verdict } from "@/tests/mqtt/judge.ts";
import { corpus, type Sequence } from "@/tests/mqtt/malformed.ts";
import type { RawClient } from "@/tests/mqtt/raw_client.ts";
import { connect, publish, subscribe, type Version } from "@/tests/mqtt/wire.ts";

const AT_ONCE = 40;
const PACKET_BYTES_MAX = 4096;
const TOPIC_ALIAS_MAXIMUM = 64;

const PING = [0xc0, 0];

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

/** Empty when the broker did as it must, else what it did. */
async function play(
  fixture: Fixture,
  control: RawClient,
  sequence: Sequence,
): Promise<string> {
  await using client = await fixture.dial(answerVersion(sequence) ?? 4);
  if (!sequence.isFirst) {
    client.send(connect({ version: sequence.version, clientId: "" }));
    await client.next();
  }
  client.send(sequence.bytes);
  const verdict = verdictOn(sequence);
  try {
    return await compare(client, control, { sequence, verdict });
  } catch (error) {
    return `${verdict.kind}, but ${(error as Error).message}`;
  }
}

async function compare(
  client: RawClient,
  control: RawClient,
  { sequence, verdict }: { sequence: Sequence; verdict: Verdict },
): Promise<string> {
  switch (verdict.kind) {
    case "leaves":
      await client.closed();
      return client.packets.length === 0 ? "" : `said ${client.packets[0]!.line}`;
    case "refused":
      await client.closed();
      return refusalFault(client, sequence, verdict.codes);
    case "waits":
      await served(control);
      return client.isClosed ? `did not wait: ${client.packets.at(-1)?.line}` : "";
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
function refusalFault(client: RawClient, sequence: Sequence, codes: readonly number[]): string {
  const said = client.packets.map(({ head }) => head).filter((head) => !isAnswer(head));
  if (answerVersion(sequence) !== 5) {
    const isCoded = codes.includes(0x84) && said[0] === "connack 0 1" ||
      codes.includes(0x85) && said[0] === "connack 0 2";
    return said.length === 0 || said.length === 1 && isCoded ? "" : `said ${said}`;
  }
  const name = sequence.isFirst ? "connack 0" : "disconnect";
  const allowed = codes.map((code) => `${name} 0x${code.toString(16)}`);
  return said.length === 1 && allowed.includes(said[0]!) ? "" : `said ${said}, not ${allowed}`;
}

/** To a good packet before the wrong one. */
function isAnswer(head: string): boolean {
  return /^(puback|pubrec|pubrel|pubcomp|suback|unsuback|pingresp) /.test(head);
}

/** The control connection sends itself a message. */
async function served(control: RawClient): Promise<void> {
  control.send(publish(4, { topic: "control", payload: "here" }));
  const { line } = await control.next();
  assert.equal(line, 'publish control "here"');
}

for (const [group, sequences] of Object.entries(corpus())) {
  Deno.test(`malformed corpus: ${group} (${sequences.length} sequences)`, async () => {
    await using fixture = await Fixture.start({
      isolated: true,
      limits: {
        packetBytesMax: PACKET_BYTES_MAX,
        connectBytesMax: PACKET_BYTES_MAX,
        topicAliasMaximum: TOPIC_ALIAS_MAXIMUM,
      },
    });
    const controls: RawClient[] = [];
    for (let i = 0; i < AT_ONCE; i++) controls.push(await connectControl(fixture));
    const faults: string[] = [];
    let next = 0;
    await Promise.all(controls.map(async (control) => {
      for (let at = next++; at < sequences.length; at = next++) {
        const sequence = sequences[at]!;
        const fault = await play(fixture, control, sequence);
        if (fault !== "") faults.push(`${describe(sequence)}: ${fault}`);
        await served(control);
      }
    }));
    assert.deepEqual(faults.slice(0, 40), [], `${faults.length} of ${sequences.length}`);
    assert.deepEqual(fixture.reports.filter(({ kind }) => kind === "store_error"), []);
  });
}

async function connectControl(fixture: Fixture): Promise<RawClient> {
  const control = await fixture.dial(4);
  control.send(connect({ version: 4, clientId: "" }));
  await control.next();
  control.send(subscribe(4, { id: 1, filters: [["control", 0]] }));
  await control.next();
  return control;
}

function describe({ name, version, bytes }: Sequence): string {
  return `${version === 5 ? "5.0" : "3.1.1"} ${name} ${bytes.toHex()}`;
}
