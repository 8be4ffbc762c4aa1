/**
 * Random legal packets of several clients against a small model of the server: who gets what, at which
 * QoS, with which flags; what is kept over disconnects, kills and expiry. SLUICE_FUZZ_SEED repeats a
 * run, SLUICE_FUZZ_SECONDS lengthens it.
 */
import assert from "node:assert/strict";
import { Fixture } from "@/tests/mqtt/fixture.ts";
import { fuzzMs, fuzzSeed, Random } from "@/tests/mqtt/random.ts";
import type { RawClient } from "@/tests/mqtt/raw_client.ts";
import { type Deliveries, lineOf, type Message, ServerModel } from "@/tests/mqtt/server_model.ts";
import {
  acknowledgement,
  coded,
  connect,
  publish,
  type Seen,
  subscribe,
  unsubscribe,
} from "@/tests/mqtt/wire.ts";

const CLIENTS = ["ann", "bob", "cy", "dee", "eve"];
const TOPICS = ["a", "a/b", "a/b/c", "b", "b/", "/", "a//c", "$x/a"];
const FILTERS = ["a", "a/b", "a/+", "a/#", "#", "+", "+/+", "b/#", "/", "+/b/+", "$x/#", "a//c"];
const STEPS_PER_RUN = 120;
const SESSION_SECONDS = 1000;
const CONCURRENT_RUNS = 4;

/** One broker, its clients and the model, step by step. */
class Run {
  readonly #random: Random;
  readonly #fixture: Fixture;
  readonly #model: ServerModel = new ServerModel();
  readonly #clients: Map<string, RawClient> = new Map();
  readonly story: string[] = [];
  #count = 0;

  constructor(fixture: Fixture, seed: number) {
    this.#fixture = fixture;
    this.#random = new Random(seed);
  }

  async steps(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.#step();
  }

  async #step(): Promise<void> {
    const client = this.#random.pick(CLIENTS);
    const dice = this.#random.below(100);
    if (dice < 2) return await this.#restart();
    if (dice < 3) return await this.#expire();
    if (!this.#model.isConnected(client) || dice < 8) return await this.#connect(client);
    if (dice < 14) return await this.#leave(client);
    if (dice < 20) return await this.#cut(client);
    if (dice < 38) return await this.#subscribe(client);
    if (dice < 45) return await this.#unsubscribe(client);
    await this.#publish(client);
  }

  #tell(text: string): void {
    this.story.push(text);
  }

  #client(name: string): RawClient {
    return this.#clients.get(name)!;
  }

  async #connect(name: string): Promise<void> {
    const version = this.#random.pick([4, 5] as const);
    const clean = this.#random.once(3);
    // Before 5.0 a session that is not clean is kept.
    const kept = version === 4 ? !clean : !this.#random.once(3);
    const will = this.#random.once(2) ? this.#anyMessage() : null;
    this.#tell(`${name} connects v${version} clean=${clean} kept=${kept} ${JSON.stringify(will)}`);
    const older = this.#clients.get(name);
    const client = await this.#fixture.dial(version);
    this.#clients.set(name, client);
    client.send(connect({
      version,
      clientId: name,
      clean,
      will: will ?? undefined,
      properties: kept ? [["session", String(SESSION_SECONDS)]] : [],
    }));
    const expected = this.#model.connect(name, { clean, kept, version, will });
    const { head } = await client.next();
    assert.equal(head, `connack ${expected.isPresent ? 1 : 0} 0`);
    if (older !== undefined) await older.closed();
    await this.#settle(expected.deliveries);
  }

  async #leave(name: string): Promise<void> {
    this.#tell(`${name} leaves`);
    this.#client(name).send(coded(0xe0));
    await this.#client(name).closed();
    this.#clients.delete(name);
    this.#model.leave(name);
    await this.#settle(new Map());
  }

  async #cut(name: string): Promise<void> {
    this.#tell(`${name} is cut`);
    this.#client(name).cut();
    this.#clients.delete(name);
    await this.#untilConnected();
    await this.#settle(this.#model.lose(name));
  }

  async #untilConnected(): Promise<void> {
    const { broker } = this.#fixture;
    const count = this.#clients.size;
    await this.#fixture.until(() => broker.connections().length === count, "connections are gone");
  }

  async #subscribe(name: string): Promise<void> {
    const filter = this.#random.pick(FILTERS);
    const client = this.#client(name);
    const is5 = client.version === 5;
    const options = this.#random.below(3) | (is5 && this.#random.once(3) ? 4 : 0) |
      (is5 && this.#random.once(3) ? 8 : 0);
    const identifier = is5 && this.#random.once(2) ? 1 + this.#random.below(1000) : null;
    this.#tell(`${name} subscribes ${filter} options=${options} identifier=${identifier}`);
    const list = identifier === null ? [] : [["subid", String(identifier)] as const];
    client.send(subscribe(client.version, { id: 7, filters: [[filter, options]], list }));
    assert.equal((await client.next()).head, `suback 7 ${options & 3}`);
    await this.#settle(this.#model.subscribe(name, filter, {
      qos: options & 3,
      noLocal: (options & 4) !== 0,
      retainAsPublished: (options & 8) !== 0,
      identifier,
    }));
  }

  async #unsubscribe(name: string): Promise<void> {
    const filter = this.#random.pick([...this.#model.filtersOf(name), ...FILTERS]);
    this.#tell(`${name} unsubscribes ${filter}`);
    const client = this.#client(name);
    client.send(unsubscribe(client.version, { id: 8, filters: [filter] }));
    const wasThere = this.#model.unsubscribe(name, filter);
    const code = client.version === 5 ? ` ${wasThere ? "0" : "0x11"}` : "";
    assert.equal((await client.next()).head, `unsuback 8${code}`);
    await this.#settle(new Map());
  }

  #anyMessage(): Message {
    return {
      topic: this.#random.pick(TOPICS),
      payload: this.#random.once(6) ? "" : `m${++this.#count}`,
      qos: this.#random.below(3),
      retain: this.#random.once(3),
    };
  }

  async #publish(name: string): Promise<void> {
    const message = this.#anyMessage();
    this.#tell(`${name} publishes ${JSON.stringify(message)}`);
    const client = this.#client(name);
    const bytes = publish(client.version, { ...message, id: 99 });
    const cut = this.#random.below(bytes.length);
    await client.sendAll(Uint8Array.from(bytes.slice(0, cut)));
    client.send(bytes.slice(cut));
    await this.#settle(this.#model.publish(name, message));
  }

  async #restart(): Promise<void> {
    this.#tell("restart");
    await this.#fixture.restart();
    this.#clients.clear();
    this.#model.restart();
    this.#fixture.clock.advance(1000); // kept wills are sent
    await this.#settle(new Map());
  }

  async #expire(): Promise<void> {
    this.#tell("time passes");
    this.#fixture.clock.advance(1000 * (SESSION_SECONDS + 1));
    this.#model.expire();
    await this.#settle(new Map());
  }

  /** Lets everything come to rest; each client must have got exactly what the model says. */
  async #settle(expected: Deliveries): Promise<void> {
    const got: Map<string, string[]> = new Map();
    // A commit ends within the turn of the event loop that began it: behind the first ping's answer.
    for (let quietRounds = 0; quietRounds < 2; quietRounds++) {
      for (const [name, client] of this.#clients) {
        const packets = await answerAll(client);
        if (packets.length > 0) quietRounds = -1;
        const lines = packets.filter(({ type }) => type === 3).map(deliveryLine);
        if (lines.length > 0) got.set(name, [...got.get(name) ?? [], ...lines]);
      }
    }
    for (const name of CLIENTS) {
      const [a, b] = [got.get(name) ?? [], expected.get(name) ?? []];
      assert.deepEqual(a.toSorted(), b.toSorted(), `what ${name} gets`);
    }
    await this.#compareState();
  }

  async #compareState(): Promise<void> {
    const { statistics } = this.#fixture.broker;
    const now = () =>
      [
        statistics.sessions,
        statistics.subscriptions,
        statistics.retainedMessages,
        statistics.queuedMessages,
      ].join(" ");
    const model = this.#model;
    const wanted = [
      model.sessionCount,
      model.subscriptionCount,
      model.retainedCount,
      model.queuedCount,
    ].join(" ");
    await this.#fixture.until(
      () => now() === wanted,
      `sessions, subscriptions, retained, queued are ${wanted}, not ${now()}`,
    );
  }
}

/** Takes everything up to the answer of a ping and acknowledges what came. */
async function answerAll(client: RawClient): Promise<Seen[]> {
  client.send([0xc0, 0]);
  const packets: Seen[] = [];
  for (;;) {
    const packet = await client.next();
    if (packet.type === 13) return packets;
    packets.push(packet);
    answer(client, packet);
  }
}

function answer(client: RawClient, { type, head, id }: Seen): void {
  if (type === 3 && head.includes(" qos=1 ")) client.send(acknowledgement(0x40, { id }));
  else if (type === 3 && head.includes(" qos=2 ")) client.send(acknowledgement(0x50, { id }));
  else if (type === 5) client.send(acknowledgement(0x62, { id }));
  else if (type === 6) client.send(acknowledgement(0x70, { id }));
}

function deliveryLine({ head, properties }: Seen): string {
  const match = /^publish (\S+) "(.*?)"(?: qos=(\d))?(?: id=\d+)?( dup)?( retain)?$/.exec(head);
  assert(match !== null, head);
  const [, topic = "", payload = "", qos = "0", dup, retain] = match;
  assert.equal(dup, undefined, "nothing was sent before");
  const identifiers = properties.filter(([name]) => name === "subid").map(([, id]) => Number(id));
  return lineOf({ topic, payload }, {
    qos: Number(qos),
    retain: retain !== undefined,
    identifiers,
  });
}

Deno.test("random legal packets of several clients meet the model of a server", async () => {
  const seed = fuzzSeed();
  const endAt = performance.now() + fuzzMs(0.6);
  let next = seed;
  const work = async () => {
    while (performance.now() < endAt) await runOnce(next++);
  };
  await Promise.all(Array.from({ length: CONCURRENT_RUNS }, work));
  console.log(`${next - seed} runs of ${STEPS_PER_RUN} steps`);
});

async function runOnce(seed: number): Promise<void> {
  await using fixture = await Fixture.start();
  const run = new Run(fixture, seed);
  try {
    await run.steps(STEPS_PER_RUN);
  } catch (error) {
    const told = run.story.slice(-25).join("\n  ");
    throw new Error(`SLUICE_FUZZ_SEED=${seed}: ${(error as Error).message}\n  ${told}`);
  }
}
