import assert from "node:assert/strict";
import { Delivery } from "@/forward/delivery.ts";
import type { InfluxOptions, Notice } from "@/forward/forward_types.ts";
import { retryAfterMs } from "@/forward/influx_answer.ts";
import { InfluxDestination } from "@/forward/influxdb.ts";
import { systemTiming } from "@/forward/timing.ts";
import { PermanentError, TransientError } from "@/model/errors.ts";
import { commonOptions } from "@/tests/helpers/destination_options.ts";
import { InfluxAnswers, type InfluxOptions as Answering } from "@/tests/helpers/influx_answers.ts";
import { batchEntry, interpretRow, type RowOptions } from "@/tests/helpers/log_rows.ts";
import { MemoryLog } from "@/tests/helpers/memory_log.ts";
import { until } from "@/tests/helpers/until.ts";
import { VictoriaMetrics } from "@/tests/helpers/victoria_metrics.ts";

function patience(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

function optionsFor(url: string, options: Partial<InfluxOptions> = {}): InfluxOptions {
  return {
    ...commonOptions({ gatewayId: null }),
    type: "influxdb",
    url,
    org: "sluice",
    bucket: "iot",
    token: "secret-token",
    location: null,
    ...options,
  };
}

class Rig implements AsyncDisposable {
  readonly server: InfluxAnswers;
  readonly destination: InfluxDestination;
  readonly notices: Omit<Notice, "destination">[] = [];

  constructor(answering: Answering = {}, options: Partial<InfluxOptions> = {}) {
    this.server = new InfluxAnswers(answering);
    this.destination = new InfluxDestination(optionsFor(this.server.url, options), {
      lost: () => {},
      notice: (notice) => this.notices.push(notice),
    });
  }

  async write(...batch: ReturnType<typeof batchEntry>[]) {
    await this.destination.prepare(patience());
    return await this.destination.write(batch, patience());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destination.close();
    await this.server[Symbol.asyncDispose]();
  }
}

function entries(count: number, options: (number: number) => RowOptions = () => ({})) {
  return Array.from({ length: count }, (_, index) => batchEntry(index + 1, options(index + 1)));
}

Deno.test("influxdb: what a request looks like", async () => {
  await using rig = new Rig({}, { org: "my org", url: undefined });
  await using server = new InfluxAnswers({ org: "my org" });
  const destination = new InfluxDestination(optionsFor(`${server.url}/`, { org: "my org" }), {
    lost: () => {},
    notice: () => {},
  });
  await destination.write(entries(2), patience());
  await destination.close();
  const [request] = server.requests;
  assert.equal(request?.status, 204);
  assert.equal(request?.headers.get("authorization"), "Token secret-token");
  assert.equal(request?.headers.get("content-encoding"), "gzip");
  assert.deepEqual([...request?.query ?? []], [
    ["org", "my org"],
    ["bucket", "iot"],
    ["precision", "ns"],
  ]);
  assert.deepEqual(request?.lines, [
    "temperature,node=d1,unit=celsius value=1 1767225601000000000",
    "temperature,node=d1,unit=celsius value=2 1767225602000000000",
  ]);
  assert.equal(rig.server.requests.length, 0);
});

Deno.test("influxdb: each status means what it should", async () => {
  const cases: [number, string, string, Record<string, string>?][] = [
    [401, "FWD-0201", '{"code":"unauthorized","message":"unauthorized access"}'],
    [403, "FWD-0202", '{"code":"forbidden","message":"no write"}'],
    [404, "FWD-0203", '{"code":"not found","message":"bucket \\"iot\\" not found"}'],
    [429, "FWD-0204", "", { "retry-after": "7" }],
    [500, "FWD-0200", '{"code":"internal error","message":"oops"}'],
    [503, "FWD-0205", "", { "retry-after": "12" }],
    [307, "FWD-0206", "", { location: "http://example.com/" }],
  ];
  for (const [status, code, body, headers] of cases) {
    await using rig = new Rig();
    rig.server.order({ kind: "status", status, body, headers });
    const { decided, interrupted } = await rig.write(...entries(3));
    assert.equal(decided, 0);
    assert(interrupted instanceof TransientError, `${status}`);
    assert.equal(interrupted.code, code);
    assert.match(interrupted.message, new RegExp(`Cannot write to InfluxDB .*: ${status}`));
    const seconds = headers?.["retry-after"];
    assert.equal(interrupted.retryAfterMs, seconds === undefined ? null : Number(seconds) * 1000);
    assert.equal((await rig.write(...entries(3))).decided, 3, "and goes on");
  }
});

Deno.test("influxdb: Retry-After as a date counts from the server's clock", () => {
  const headers = new Headers({
    "retry-after": "Thu, 01 Jan 2026 00:00:30 GMT",
    "date": "Thu, 01 Jan 2026 00:00:10 GMT",
  });
  assert.equal(retryAfterMs(headers, 0), 20_000);
  assert.equal(retryAfterMs(new Headers({ "retry-after": "soon" }), 0), null);
  assert.equal(retryAfterMs(new Headers(), 0), null);
});

Deno.test("influxdb: 413 makes the requests smaller, one message alone is refused", async () => {
  await using rig = new Rig({ bodyBytesMax: 600 });
  const noise = () => ({ values: Object.fromEntries(randomValues(8)) });
  const result = await rig.write(...entries(40, noise));
  assert.deepEqual([result.decided, result.rejected, result.interrupted], [40, [], null]);
  assert.equal(rig.server.stored.length, 40 * 8);
  const refused = rig.server.requests.filter(({ status }) => status === 413).length;
  await rig.write(...entries(40, noise));
  const again = rig.server.requests.filter(({ status }) => status === 413).length;
  assert.equal(again, refused, "what was learned is kept");

  await using tiny = new Rig({ bodyBytesMax: 300 });
  const large = (number: number) =>
    number === 2 ? { values: Object.fromEntries(randomValues(60)) } : {};
  const { decided, rejected } = await tiny.write(...entries(3, large));
  assert.equal(decided, 3);
  assert.deepEqual(rejected.map(({ index, error }) => [index, error.code]), [[1, "FWD-0211"]]);
});

Deno.test("influxdb: at most 5000 points a request, and what was stored is settled", async () => {
  await using rig = new Rig();
  rig.server.order(
    { kind: "status", status: 204 },
    { kind: "status", status: 503, headers: { "retry-after": "1" } },
  );
  const result = await rig.write(...entries(6000));
  assert.equal(result.decided, 5000);
  assert(result.interrupted instanceof TransientError);
  assert.deepEqual(rig.server.requests.map(({ points }) => points), [5000, 1000]);
});

Deno.test("influxdb: version 3 names the bad lines, their neighbours are settled", async () => {
  await using rig = new Rig({
    version: "v3",
    refuse: (line) => line.includes("value=2 ") ? "column type mismatch" : null,
  });
  const result = await rig.write(...entries(4));
  assert.equal(result.decided, 4);
  assert.deepEqual(result.rejected.map(({ index }) => index), [1]);
  assert.match(result.rejected[0]?.error.message ?? "", /value=2 .*: column type mismatch/);
  assert.equal(rig.server.requests.length, 1);
});

Deno.test("influxdb: a 400 that blames the endpoint blames no message", async () => {
  await using rig = new Rig();
  const refusal = { kind: "status", status: 400, body: "unsupported path requested" } as const;
  rig.server.order(refusal, refusal);
  const { interrupted } = await rig.write(...entries(2));
  assert(interrupted instanceof TransientError);
  assert.equal(interrupted.code, "FWD-0207");
  rig.server.order(refusal);
  const unclear = await rig.write(...entries(2));
  assert(unclear.interrupted instanceof PermanentError, "the endpoint works, so the points do not");
});

Deno.test("influxdb: stored but never answered; sent again it is held once", async () => {
  await using rig = new Rig();
  rig.server.order({ kind: "hang", store: true });
  const limit = new AbortController();
  const writing = rig.destination.write(entries(10), limit.signal);
  await until(() => rig.server.stored.length === 10, { what: "the points are stored" });
  limit.abort();
  const { decided, interrupted } = await writing;
  assert.equal(decided, 0);
  assert(interrupted instanceof TransientError);
  assert.equal((await rig.write(...entries(10))).decided, 10);
  assert.equal(rig.server.stored.length, 10);
});

for (const status of ["400 unparsable", "422 partial"] as const) {
  Deno.test(`influxdb: one bad message of 500 by ${status} costs at most ten more sends`, async () => {
    const partial = status === "422 partial";
    await using server = new InfluxAnswers({
      refuse: (line) => partial && line.includes("value=77 ") ? "points beyond retention" : null,
    });
    const options = optionsFor(server.url, { batchMessagesMax: 500 });
    const log = new MemoryLog([options.name]);
    log.append(500);
    if (!partial) {
      const sizes = server.requests;
      server.order({ kind: "status", status: 400, body: '{"code":"invalid","message":"x"}' });
      assert.equal(sizes.length, 0);
    }
    const delivery = new Delivery({
      options,
      open: (events) => new InfluxDestination(options, events),
      store: log,
      reader: log,
      interpret: interpretRow,
      timing: systemTiming(),
      listener: { onStatus: () => {}, onBatch: () => {}, onNotice: () => {} },
    });
    delivery.start();
    await until(() => log.ledger(options.name).enqueued === 0, { what: "all is decided" });
    await until(() => log.ledger(options.name).inFlight === 0, { what: "all is settled" });
    await delivery.stop(5_000);
    assert(server.requests.length <= 11, `${server.requests.length} requests`);
    const dead = log.deadLetters.map(({ number }) => number);
    assert.deepEqual(dead, partial ? [77] : []);
    assert.equal(server.stored.length, 500 - dead.length);
  });
}

Deno.test("influxdb: the bucket's retention is set where the token may", async () => {
  const day = 86_400_000;
  await using rig = new Rig({}, { retentionMs: 30 * day });
  await rig.write(batchEntry(1));
  assert.equal(rig.server.retentionSeconds, 30 * 86_400);
  assert.deepEqual(rig.notices, []);
  await using refused = new Rig({ token: "another" }, { retentionMs: day });
  await refused.destination.prepare(patience());
  assert.equal(refused.notices[0]?.code, "FWD-0208");
});

Deno.test("influxdb: tags with special characters arrive as they were in VictoriaMetrics", async () => {
  await using server = await VictoriaMetrics.start();
  const destination = new InfluxDestination(
    optionsFor(server.url, { gatewayId: "gw, one=1", location: "Küche 2" }),
    { lost: () => {}, notice: () => {} },
  );
  const label = 'a "person", x=y\\z';
  const entry = batchEntry(1, {
    device: "cam",
    topic: "devices/cam/prediction",
    payload: JSON.stringify({ label, score: 0.25 }),
  });
  await destination.write([entry], patience());
  await destination.close();
  const [series] = await until(async () => {
    const found = await server.export('{__name__="prediction_score"}');
    return found.length > 0 ? found : null;
  }, { what: "the point can be read" });
  assert.deepEqual(series?.labels, {
    __name__: "prediction_score",
    node: "cam",
    label,
    gateway: "gw, one=1",
    location: "Küche 2",
  });
});

/** Digits that gzip cannot make small. */
function randomValues(count: number): [string, number][] {
  return Array.from({ length: count }, (_, index) => [`m${index}`, Math.random()]);
}
