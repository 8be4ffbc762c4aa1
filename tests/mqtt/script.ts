/**
 * Conformance cases as short scripts, one step a line: who does what.
 *
 *     a connects                     dial, CONNECT, CONNACK 0 without session
 *     a publish t/1 "hello" qos=1 id=7 {content=x}
 *     a < puback 7                   the next packet from the server, exactly
 *     b < publish t/1 * qos=1 id=$m  `*` any one word, `?` perhaps one, `$m` remembered
 *     b puback $m
 *     b quiet                        a ping is answered and nothing came before it
 *     a < closed                     the server ends the connection without another word
 *     * advance 15                   seconds of the broker's clock
 *
 * A line that begins with `4|` or `5|` is for 3.1.1 or for 5.0 only.
 * Clients are named by the first word and speak the version of the case. `raw` takes hex, `'text'`
 * as it is, `"text"` with its length before it, `L` for the remaining length of what follows, `;`
 * between two packets.
 * Properties stand in braces, those of a will in `will{…}`. Expected properties are exact; `{*}` is
 * any, `{a=1 *}` those and any others; CONNACK may carry what it likes where nothing is said.
 */

import { Fixture, type FixtureOptions } from "@/tests/mqtt/fixture.ts";
import type { RawClient } from "@/tests/mqtt/raw_client.ts";
import {
  acknowledgement,
  coded,
  connect,
  fromHex,
  type PropertyList,
  publish,
  type Seen,
  subscribe,
  text,
  unsubscribe,
  utf8,
  varint,
  type Version,
  type Will,
} from "@/tests/mqtt/wire.ts";

/** One case: a script, and the statements it shows. */
export interface Case {
  name: string;
  version: Version;
  /** `4:3.1.0-1` is [MQTT-3.1.0-1] of 3.1.1, `5:…` of 5.0 */
  covers: string[];
  script: string;
  options: FixtureOptions;
}

/** What a script needs of a server whose inside it cannot see. */
export interface Target {
  dial(version: Version): Promise<RawClient>;
  /** Ends it as kill -9 does and starts it again on what it has kept. */
  restart(): Promise<void>;
}

/** Runs a case on a broker of its own; an error names the line. */
export async function runCase(found: Case): Promise<void> {
  await using fixture = await Fixture.start(found.options);
  await playCase(found, fixture);
}

/** Runs a case against any server; only a `Fixture` can do more steps than `restart`. */
export async function playCase({ script, version }: Case, target: Target): Promise<void> {
  const player = new Player(target, version);
  const lines = linesOf(script, version);
  for (const [index, line] of lines.entries()) {
    try {
      await player.step(line);
    } catch (error) {
      const told = lines.slice(Math.max(0, index - 6), index).map((before) => `    ${before}`);
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${reason}\n${told.join("\n")}\n  → ${line}`, { cause: error });
    }
  }
}

/** The steps for one version: a line that begins with `4|` or `5|` is for that one only. */
function linesOf(script: string, version: Version): string[] {
  const own = `${version}|`;
  return script.split("\n").map((line) => line.trim())
    .filter((line) => line !== "" && (!/^\d\|/.test(line) || line.startsWith(own)))
    .map((line) => line.replace(/^\d\| */, ""));
}

/** Words of a step; a group in braces or quotes is one word. */
function words(line: string): string[] {
  return line.match(/(?:will)?\{[^}]*\}|"[^"]*"|'[^']*'|\S+/g) ?? [];
}

interface Arguments {
  plain: string[];
  options: Map<string, string>;
  properties: PropertyList | undefined;
  willProperties: PropertyList;
}

function readArguments(list: readonly string[]): Arguments {
  const args: Arguments = {
    plain: [],
    options: new Map(),
    properties: undefined,
    willProperties: [],
  };
  for (const word of list) {
    const option = /^([a-z]+)=(.*)$/.exec(word);
    if (word.startsWith("will{")) args.willProperties = readProperties(word.slice(5, -1));
    else if (word.startsWith("{")) args.properties = readProperties(word.slice(1, -1));
    else if (option !== null) args.options.set(option[1]!, option[2]!);
    else args.plain.push(word);
  }
  return args;
}

function readProperties(inside: string): PropertyList {
  return inside.split(" ").filter((word) => word !== "").map((word) => {
    const at = word.indexOf("=");
    return [word.slice(0, at), word.slice(at + 1)] as const;
  });
}

const ACKNOWLEDGEMENTS: Readonly<Record<string, number>> = {
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
};

class Player {
  readonly #target: Target;
  readonly #version: Version;
  readonly #clients: Map<string, RawClient> = new Map();
  readonly #memory: Map<string, string> = new Map();

  constructor(target: Target, version: Version) {
    this.#target = target;
    this.#version = version;
  }

  async step(line: string): Promise<void> {
    if (line.startsWith("#")) return;
    const [who = "", verb = "", ...rest] = words(line).map((word) => this.#recall(word));
    if (who === "*") return await this.#onServer(verb, rest);
    if (verb === "<") return await this.#expect(who, line.slice(line.indexOf("<") + 1).trim());
    await this.#onClient(who, verb, rest);
  }

  /** A remembered word in its place; unknown ones stay, for an expectation to remember them. */
  #recall(word: string): string {
    return this.#memory.get(word) ?? word;
  }

  #client(name: string): RawClient {
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`there is no client "${name}"`);
    return client;
  }

  async #dial(name: string, version: Version): Promise<RawClient> {
    const client = await this.#target.dial(version);
    this.#clients.set(name, client);
    return client;
  }

  async #onClient(name: string, verb: string, rest: string[]): Promise<void> {
    const args = readArguments(rest);
    switch (verb) {
      case "dial":
        await this.#dial(name, this.#version);
        return;
      case "connect":
        return await this.#connect(name, args);
      case "connects":
        await this.#connect(name, args);
        return await this.#expect(name, "connack 0 0");
      case "resumes":
        args.options.set("clean", "0");
        await this.#connect(name, args);
        return await this.#expect(name, "connack 1 0");
      case "cut":
        return this.#client(name).cut();
      case "quiet":
        this.#client(name).send([0xc0, 0]);
        return await this.#expect(name, "pingresp");
      case "subscribes":
        return await this.#subscribes(name, args);
      default:
        return this.#client(name).send(encode(verb, this.#client(name).version, { args, rest }));
    }
  }

  async #connect(name: string, args: Arguments): Promise<void> {
    const { options } = args;
    const version = Number(options.get("v") ?? this.#version) as Version;
    const known = this.#clients.get(name);
    const isDialled = known !== undefined && !known.isClosed && options.get("again") === undefined;
    const client = isDialled ? known : await this.#dial(name, version);
    client.version = version;
    client.send(connect({
      version,
      clientId: options.get("id") ?? name,
      clean: options.get("clean") !== "0",
      keepAlive: Number(options.get("keep") ?? 0),
      username: options.get("user"),
      password: options.get("pass"),
      will: willOf(args),
      properties: args.properties ?? [],
    }));
  }

  /** SUBSCRIBE and its SUBACK, which grants what was asked. */
  async #subscribes(name: string, args: Arguments): Promise<void> {
    const client = this.#client(name);
    client.send(encode("subscribe", client.version, { args, rest: [] }));
    const id = args.options.get("id") ?? "1";
    const codes = args.plain.map((word) => filterOf(word)[1] & 3);
    await this.#expect(name, `suback ${id} ${codes.join(",")}`);
  }

  async #expect(name: string, pattern: string): Promise<void> {
    const client = this.#client(name);
    if (pattern === "closed") {
      await client.closed();
      const [packet] = client.packets;
      if (packet !== undefined) throw new Error(`got "${packet.line}" before the end`);
      return;
    }
    const packet = await client.next();
    if (!this.#matches(packet, pattern)) throw new Error(`got "${packet.line}"`);
  }

  #matches(packet: Seen, pattern: string): boolean {
    const brace = pattern.indexOf("{");
    const head = brace < 0 ? pattern : pattern.slice(0, brace);
    const wanted = brace < 0 ? null : pattern.slice(brace + 1, pattern.lastIndexOf("}"));
    return this.#matchesHead(words(packet.head), words(head)) &&
      matchesProperties(packet, wanted, (word) => this.#remember(word));
  }

  #matchesHead(got: string[], wanted: string[]): boolean {
    if (wanted.at(-1) === "?") {
      const without = wanted.slice(0, -1);
      return got.length <= wanted.length &&
        this.#matchesHead(got.slice(0, without.length), without);
    }
    return got.length === wanted.length &&
      wanted.every((word, i) => this.#matchesWord(got[i]!, word));
  }

  #matchesWord(got: string, wanted: string): boolean {
    if (wanted === "*") return true;
    if (wanted === "id=*") return got.startsWith("id=");
    const at = wanted.indexOf("$");
    if (at < 0 || wanted.startsWith('"')) return got === wanted;
    const prefix = wanted.slice(0, at);
    if (!got.startsWith(prefix)) return false;
    return this.#remember(wanted.slice(at))(got.slice(prefix.length));
  }

  /** The first value of a name is kept, later ones must be the same. */
  #remember(name: string): (value: string) => boolean {
    return (value) => {
      const known = this.#memory.get(name);
      if (known === undefined) this.#memory.set(name, value);
      return known === undefined || known === value;
    };
  }

  async #onServer(verb: string, rest: string[]): Promise<void> {
    if (verb === "restart") return await this.#target.restart();
    const fixture = this.#inside();
    const count = Number(rest[0]);
    switch (verb) {
      case "advance":
        return fixture.clock.advance(count * 1000);
      case "stop":
        return await fixture.stop();
      case "hold":
        return fixture.store.hold();
      case "release":
        return fixture.store.release();
      case "fail":
        fixture.store.failure = new Error("disk failure");
        return;
      case "accept":
        return fixture.conclude({ kind: "accepted" });
      case "refuse":
        return fixture.conclude({
          kind: "refused",
          reasonCode: count,
          disconnect: rest[1] === "disconnect",
        });
      default:
        return await this.#observe(verb, rest);
    }
  }

  #inside(): Fixture {
    if (this.#target instanceof Fixture) return this.#target;
    throw new Error("only the fixture's broker can be seen from inside");
  }

  /** What the server is to come to; waited for. */
  async #observe(verb: string, rest: string[]): Promise<void> {
    const fixture = this.#inside();
    const { statistics } = fixture.broker;
    const numbers: Readonly<Record<string, () => number>> = {
      connections: () => fixture.broker.connections().length,
      sessions: () => statistics.sessions,
      subscriptions: () => statistics.subscriptions,
      retained: () => statistics.retainedMessages,
      queued: () => statistics.queuedMessages,
      handed: () => fixture.handed.length,
    };
    const number = numbers[verb];
    if (number === undefined) throw new Error(`unknown step "* ${verb}"`);
    await fixture.until(
      () => number() === Number(rest[0]),
      `${verb} is ${rest[0]}, not ${number()}`,
    );
  }
}

function willOf({ options, willProperties }: Arguments): Will | undefined {
  const topic = options.get("will");
  if (topic === undefined) return undefined;
  return {
    topic,
    payload: options.get("willpayload") ?? "gone",
    qos: Number(options.get("willqos") ?? 0),
    retain: options.get("willretain") === "1",
    properties: willProperties,
  };
}

/** `filter`, `filter:1` for a QoS, `filter:0x2d` for the whole options byte. */
function filterOf(word: string): [string, number] {
  const at = word.lastIndexOf(":");
  return at < 0 ? [word, 0] : [word.slice(0, at), Number(word.slice(at + 1))];
}

function encode(
  verb: string,
  version: Version,
  { args, rest }: { args: Arguments; rest: readonly string[] },
): number[] {
  const { plain, options, properties = [] } = args;
  const id = Number(options.get("id") ?? 1);
  switch (verb) {
    case "raw":
      return rawBytes(rest);
    case "publish":
      return encodePublish(version, args);
    case "subscribe":
      return subscribe(version, { id, filters: plain.map(filterOf), list: properties });
    case "unsubscribe":
      return unsubscribe(version, { id, filters: plain, list: properties });
    case "ping":
      return [0xc0, 0];
    case "disconnect":
      return coded(0xe0, codeOf(plain[0], args), args.properties);
    case "auth":
      return coded(0xf0, codeOf(plain[0], args), args.properties);
  }
  const first = ACKNOWLEDGEMENTS[verb];
  if (first === undefined) throw new Error(`unknown step "${verb}"`);
  const code = codeOf(plain[1], args);
  return acknowledgement(first, { id: Number(plain[0]), code, list: args.properties });
}

function codeOf(word: string | undefined, { properties }: Arguments): number | undefined {
  if (word !== undefined) return Number(word);
  return properties === undefined ? undefined : 0;
}

function encodePublish(version: Version, { plain, options, properties }: Arguments): number[] {
  const [topic = "", payload = '""', ...marks] = plain;
  const size = options.get("bytes");
  return publish(version, {
    topic: topic === "-" ? "" : topic,
    payload: size === undefined ? payload.slice(1, -1) : "x".repeat(Number(size)),
    qos: Number(options.get("qos") ?? 0),
    id: Number(options.get("id") ?? 1),
    retain: marks.includes("retain"),
    dup: marks.includes("dup"),
    properties: properties ?? [],
  });
}

function rawBytes(list: readonly string[]): number[] {
  const end = list.indexOf(";");
  if (end >= 0) return [...rawBytes(list.slice(0, end)), ...rawBytes(list.slice(end + 1))];
  const at = list.indexOf("L");
  if (at >= 0) {
    const body = rawBytes(list.slice(at + 1));
    return [...rawBytes(list.slice(0, at)), ...varint(body.length), ...body];
  }
  return list.flatMap((word) => {
    if (word.startsWith('"')) return text(word.slice(1, -1));
    return word.startsWith("'") ? utf8(word.slice(1, -1)) : fromHex(word);
  });
}

function matchesProperties(
  packet: Seen,
  wanted: string | null,
  remember: (name: string) => (value: string) => boolean,
): boolean {
  if (wanted === null) return packet.type === 2 || packet.properties.length === 0;
  const isOpen = /(^| )\*$/.test(wanted);
  const list = readProperties(wanted.replace(/(^| )\*$/, ""));
  const got = sorted(packet.properties).filter(([name]) =>
    !isOpen || list.some(([other]) => other === name)
  );
  return got.length === list.length && sorted(list).every(([name, value], i) => {
    const [gotName, gotValue] = got[i]!;
    if (name !== gotName) return false;
    if (value === "*") return true;
    return value.startsWith("$") ? remember(value)(gotValue) : value === gotValue;
  });
}

/** By name; the order within a name stays, as it counts for user properties. */
function sorted(list: PropertyList): PropertyList {
  return list.toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
}

// --- making cases -------------------------------------------------------------------------------

function makeCase(
  version: Version,
  { name, covers, script, options }: {
    name: string;
    covers: string;
    script: string;
    options: FixtureOptions;
  },
): Case {
  const spec = version === 5 ? "5" : "4";
  const list = covers.split(/\s+/).filter((word) => word !== "")
    .map((word) => word.includes(":") ? word : `${spec}:${word}`);
  return { name, version, covers: list, script, options };
}

export interface CaseText {
  /** Statement numbers, separated by blanks. */
  covers: string;
  script: string;
  options?: FixtureOptions;
}

/** A case of 3.1.1. */
export function mqtt4(name: string, { covers, script, options = {} }: CaseText): Case[] {
  return [makeCase(4, { name, covers, script, options })];
}

/** A case of 5.0. */
export function mqtt5(name: string, { covers, script, options = {} }: CaseText): Case[] {
  return [makeCase(5, { name, covers, script, options })];
}

/** The same script in both; a statement number that only one has carries `4:` or `5:`. */
export function both(name: string, { covers, script, options = {} }: CaseText): Case[] {
  return ([4, 5] as const).map((version) => {
    const found = makeCase(version, { name, covers, script, options });
    return { ...found, covers: found.covers.filter((cover) => cover.startsWith(`${version}:`)) };
  });
}
