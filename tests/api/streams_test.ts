/** Live streams: order, resume, gaps, limits, and their end with the sign-in. */
import assert from "node:assert/strict";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import { GatewayBed } from "@/tests/api/gateway_bed.ts";
import { until } from "@/tests/helpers/until.ts";

interface StreamedEvent {
  id: string | null;
  event: string;
  data: Record<string, unknown>;
}

/** A stream as `EventSource` reads it. */
class EventReader implements AsyncDisposable {
  readonly response: Response;
  readonly #abort: AbortController;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  private constructor(response: Response, abort: AbortController) {
    assert(response.body !== null);
    this.response = response;
    this.#abort = abort;
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async open(
    bed: GatewayBed,
    path: string,
    options: { headers?: Record<string, string> } = {},
  ): Promise<EventReader> {
    const abort = new AbortController();
    const response = await bed.fetch(path, { as: "viewer", ...options, signal: abort.signal });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const reader = new EventReader(response, abort);
    assert.equal(await reader.#block(), "retry: 2000");
    return reader;
  }

  /** The next event; null at the end. Heartbeats are left out. */
  async next(): Promise<StreamedEvent | null> {
    for (;;) {
      const block = await this.#block();
      if (block === null) return null;
      if (!block.startsWith(":")) return eventOf(block);
    }
  }

  async #block(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reader.cancel().catch(() => {});
  }
}

function eventOf(block: string): StreamedEvent {
  const fields = new Map(
    block.split("\n").map((line) => {
      const [name = "", ...rest] = line.split(": ");
      return [name, rest.join(": ")];
    }),
  );
  return {
    id: fields.get("id") ?? null,
    event: fields.get("event") ?? "",
    data: JSON.parse(fields.get("data") ?? "null"),
  };
}

async function send(bed: GatewayBed, device: string, values: number[]): Promise<void> {
  const body = values.map((t) => JSON.stringify({ device, metrics: { t, u: -t } })).join("\n");
  const headers = { "content-type": "application/x-ndjson" };
  await bed.json("/v1/ingest", { method: "POST", body, headers, status: 202 });
}

Deno.test("a stream gives each committed reading once, in order, filtered", async () => {
  await using bed = await GatewayBed.start();
  await using reader = await EventReader.open(bed, "/api/readings/stream?measurement=t");
  await send(bed, "a", [1, 2]);
  await send(bed, "b", [3]);
  const values: unknown[] = [];
  for (let i = 0; i < 3; i++) values.push((await reader.next())?.data.value);
  assert.deepEqual(values, [1, 2, 3]);
});

Deno.test("Last-Event-ID goes on within a message, across more than a page, then live", async () => {
  await using bed = await GatewayBed.start();
  const path = "/api/readings/stream?device=a";
  let last: string | null;
  {
    await using reader = await EventReader.open(bed, path);
    await send(bed, "a", [0]);
    last = (await reader.next())?.id ?? null;
  }
  assert(last !== null);
  await until(() => bed.gateway.streams.size === 0, { what: "the stream is forgotten" });
  const values = Array.from({ length: 700 }, (_, i) => i + 1);
  await send(bed, "a", values);
  const headers = { "last-event-id": last };
  await using reader = await EventReader.open(bed, path, { headers });
  const seen: unknown[] = [];
  for (let i = 0; i < 1401; i++) seen.push((await reader.next())?.data.value);
  assert.deepEqual(seen, [-0, ...values.flatMap((value) => [value, -value])].map((v) => v + 0));
  await send(bed, "a", [9999]);
  assert.equal((await reader.next())?.data.value, 9999);
});

Deno.test("a reader that is too slow for its queue misses nothing", async () => {
  await using bed = await GatewayBed.start();
  await using reader = await EventReader.open(bed, "/api/readings/stream?measurement=t");
  const values = Array.from({ length: 4000 }, (_, i) => i);
  for (let i = 0; i < values.length; i += 1000) await send(bed, "a", values.slice(i, i + 1000));
  for (const value of values) assert.equal((await reader.next())?.data.value, value);
});

Deno.test("an id of another database is a gap, then live", async () => {
  await using bed = await GatewayBed.start();
  for (const id of ["f".repeat(32) + ".0", "nonsense", ""]) {
    const headers = { "last-event-id": id };
    await using reader = await EventReader.open(bed, "/api/readings/stream", { headers });
    assert.equal((await reader.next())?.event, "gap");
    await send(bed, "a", [5]);
    assert.equal((await reader.next())?.data.value, 5);
  }
});

Deno.test("too many streams get 503, and a logout ends one at once", async () => {
  await using bed = await GatewayBed.start("[http]\nstreams_max = 2\n");
  const { access_token: token } = await bed.login("viewer");
  const headers = { authorization: `Bearer ${token}` };
  const path = "/api/predictions/stream";
  const answer = await bed.fetch(path, { headers });
  await using other = await EventReader.open(bed, path);
  await bed.json(path, { as: "viewer", status: 503 });
  assert.equal((await bed.fetch(path, { as: "viewer", method: "HEAD" })).status, 200);
  await bed.json("/api/auth/logout", { headers, method: "POST", status: 204 });
  assert.equal(await answer.text(), "retry: 2000\n\n");
  await bed.gateway.auth.people.remove("viewer", LOCAL_ACTOR);
  assert.equal(await other.next(), null);
  assert.equal(bed.gateway.streams.size, 0);
});
