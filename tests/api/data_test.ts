/** Readings, predictions, devices, people, queue, dead letters and the trail over HTTP. */
import assert from "node:assert/strict";
import { GatewayBed } from "@/tests/api/gateway_bed.ts";
import { until } from "@/tests/helpers/until.ts";

const START_MS = Date.parse("2026-03-01T00:00:00Z");

interface Page<T = Record<string, unknown>> {
  items: T[];
  cursor: string | null;
}

interface ReadingView {
  device: string;
  measurement: string;
  at: string;
  value: number;
  min?: number;
  mean?: number;
  max?: number;
  count?: number;
}

async function send(
  bed: GatewayBed,
  device: string,
  messages: Record<string, unknown>[],
): Promise<void> {
  const body = messages.map((message) => JSON.stringify({ device, ...message })).join("\n");
  const headers = { "content-type": "application/x-ndjson" };
  await bed.json("/v1/ingest", { method: "POST", body, headers, status: 202 });
}

async function sendReadings(bed: GatewayBed, device: string, count: number): Promise<void> {
  await send(
    bed,
    device,
    Array.from({ length: count }, (_, i) => ({
      ts: START_MS + i * 1000,
      seq: i,
      metrics: { level: i, humidity: 50 },
    })),
  );
  await until(async () => {
    const { items } = await bed.json<Page<ReadingView>>(
      `/api/readings?device=${device}&measurement=humidity&from=${START_MS}&limit=10000`,
      { as: "viewer" },
    );
    return items.length === count;
  }, { what: `${count} readings of ${device} are in history` });
}

async function allPages<T>(bed: GatewayBed, path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const next: string = cursor === null ? path : `${path}&cursor=${encodeURIComponent(cursor)}`;
    const page: Page<T> = await bed.json<Page<T>>(next, { as: "admin" });
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== null);
  return items;
}

Deno.test("readings: pages, steps, the newest, files", async () => {
  await using bed = await GatewayBed.start();
  await sendReadings(bed, "oven-1", 120);
  await sendReadings(bed, "oven-2", 5);
  const window = `from=${START_MS}&to=2026-03-02T00:00:00Z`;
  const all = await allPages<ReadingView>(bed, `/api/readings?${window}&limit=7`);
  assert.equal(all.length, 250);
  const levels = all.filter(({ device, measurement }) =>
    device === "oven-1" && measurement === "level"
  );
  assert.deepEqual(
    levels.map(({ value }) => value),
    Array.from({ length: 120 }, (_, i) => i),
  );

  const path = `/api/readings?device=oven-1&measurement=level&${window}&step=1m`;
  const sampled = await bed.json<Page<ReadingView>>(path, { as: "viewer" });
  assert.deepEqual(
    sampled.items.map(({ at, min, mean, max, count }) => [at, min, mean, max, count]),
    [
      ["2026-03-01T00:00:00.000Z", 0, 29.5, 59, 60],
      ["2026-03-01T00:01:00.000Z", 60, 89.5, 119, 60],
    ],
  );
  const latest = await bed.json<Page<ReadingView>>("/api/readings/latest?device=oven-1", {
    as: "viewer",
  });
  assert.deepEqual(latest.items.map(({ value }) => value), [50, 119]);
  const csv = await (await bed.fetch(`${path}&format=csv`, { as: "viewer" })).text();
  assert.equal(csv.split("\r\n").length, 4);
  assert.match(csv, /^device,measurement,unit,at,min,mean,max,count,flags\r\noven-1,/);
  const lines = await (await bed.fetch(`/api/readings?${window}&format=ndjson`, { as: "viewer" }))
    .text();
  assert.equal(lines.trimEnd().split("\n").length, 250);
});

Deno.test("many readings of one instant are in one page each, and none is lost", async () => {
  await using bed = await GatewayBed.start();
  const at = { ts: START_MS };
  const messages = Array.from({ length: 30 }, (_, i) => ({ ...at, seq: i, metrics: { t: i } }));
  await send(bed, "d", [...messages, { ts: START_MS + 1000, seq: 99, metrics: { t: 99 } }]);
  const path = `/api/readings?device=d&measurement=t&from=${START_MS}&limit=10`;
  const read = await until(async () => {
    const items = await allPages<ReadingView>(bed, path);
    return items.length === 31 ? items : null;
  }, { what: "all readings are there" });
  assert.equal(new Set(read.map(({ value }) => value)).size, 31);
});

Deno.test("what is asked wrongly is said, never guessed", async () => {
  await using bed = await GatewayBed.start();
  const wrong = [
    "/api/readings?from=yesterday",
    "/api/readings?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z",
    "/api/readings?step=0",
    "/api/readings?step=1w",
    "/api/readings?limit=0",
    "/api/readings?limit=10001",
    "/api/readings?cursor=none-of-ours",
    "/api/readings?format=xml",
    "/api/predictions?limit=1e3",
    "/api/predictions/summary",
    "/api/predictions/summary?device=d&date=2026-02-30",
    "/api/predictions/summary?device=d&tz=Mars/Olympus",
    "/api/messages/1",
  ];
  for (const path of wrong) {
    const problem = await bed.json(path, { as: "admin", status: 400 });
    assert.equal(problem.code, "HTTP-0400", path);
  }
  const none = "0".repeat(32);
  for (const path of [`/api/messages/${none}`, `/api/dead/${none}`, "/api/destinations/x"]) {
    await bed.json(path, { as: "admin", status: 404 });
  }
});

Deno.test("predictions: list, filter, latest, presence of a day in a time zone", async () => {
  await using bed = await GatewayBed.start();
  // Berlin's day of 2026-03-29 begins at 23:00 UTC and has 23 hours: clocks go forward.
  const day = Date.parse("2026-03-28T23:00:00Z");
  const predictions = [
    { ts: day - 60_000, label: "empty", score: 0.9 },
    ...Array.from({ length: 60 }, (_, i) => ({
      ts: day + i * 60_000,
      label: i < 30 ? "person" : "empty",
      score: 0.8,
    })),
  ];
  for (const [seq, { label, score, ts }] of predictions.entries()) {
    const payload = JSON.stringify({ seq, ts, label, score, model: "m" });
    await new Promise<void>((resolve) =>
      bed.gateway.intake.take({
        source: "mqtt",
        sourceName: "broker",
        topic: "devices/cam/prediction",
        payload: new TextEncoder().encode(payload),
      }, () => resolve())
    );
  }
  await until(async () => {
    return (await allPages(bed, "/api/predictions?device=cam&limit=50")).length === 61;
  }, { what: "the predictions are in history" });
  const people = await allPages<{ label: string }>(bed, "/api/predictions?label=person&limit=7");
  assert.equal(people.length, 30);
  const latest = await bed.json<Page<{ at: string }>>("/api/predictions/latest?device=cam", {
    as: "viewer",
  });
  assert.equal(latest.items[0]?.at, "2026-03-28T23:59:00.000Z");
  const summary = await bed.json<{
    presence_minutes: number;
    absence_minutes: number;
    presence_rate: number;
    hours: { presence_minutes: number; probability: number | null }[];
    most_active_hour: string;
    day_before: { absence_minutes: number };
  }>("/api/predictions/summary?device=cam&date=2026-03-29&tz=Europe/Berlin", { as: "viewer" });
  assert.equal(summary.hours.length, 23);
  assert.equal(summary.presence_minutes, 30);
  // 30 minutes, and the last one holds for five, of which four lie in the next hour.
  assert.equal(summary.absence_minutes, 34);
  assert.equal(summary.presence_rate, 0.4688);
  assert.equal(summary.most_active_hour, "2026-03-28T23:00:00.000Z");
  assert.equal(summary.hours[0]?.probability, 0.5);
  assert.equal(summary.day_before.absence_minutes, 1);
});

Deno.test("devices: register, show, change, rotate, remove; names of spreadsheet formulas", async () => {
  await using bed = await GatewayBed.start();
  await send(bed, "seen-1", [{ metrics: { temperature: 1 } }]);
  const credential = await bed.json<{ password: string; snippets: { text: string }[] }>(
    "/api/devices",
    { as: "operator", json: { id: "oven-1", label: "=1+1" }, status: 201 },
  );
  assert(credential.snippets.some(({ text }) => text.includes(credential.password)));
  await bed.json("/api/devices", { as: "operator", json: { id: "oven-1" }, status: 409 });
  await bed.json("/api/devices", { as: "operator", json: { id: "a'; --" }, status: 400 });
  await bed.json("/api/devices", { as: "operator", json: { id: "node1" }, status: 400 });
  const items = await until(async () => {
    const found = await allPages<{ id: string; registered: boolean; seen: unknown }>(
      bed,
      "/api/devices?limit=1",
    );
    return found.length === 2 ? found : null;
  }, { what: "both devices are listed" });
  assert.deepEqual(items.map(({ id, registered, seen }) => [id, registered, seen !== null]), [
    ["oven-1", true, false],
    ["seen-1", false, true],
  ]);
  const grants = [{ action: "subscribe", filter: "factory/#" }];
  const changed = await bed.json("/api/devices/oven-1", {
    as: "operator",
    method: "PATCH",
    json: { label: "Oven", disabled: true, grants },
  });
  assert.deepEqual([changed.label, changed.disabled, changed.grants], ["Oven", true, grants]);
  const rotate = { as: "operator", method: "POST", json: {} } as const;
  const next = await bed.json("/api/devices/oven-1/rotate", rotate);
  assert.notEqual(next.password, credential.password);
  const operator = { as: "operator" } as const;
  await bed.json("/api/devices/oven-1", { ...operator, method: "DELETE", status: 204 });
  await bed.json("/api/devices/oven-1", { ...operator, status: 404 });
  await bed.json("/api/devices/seen-1", operator);
  const trail = await allPages<{ action: string }>(bed, "/api/audit?limit=2&actor=operator");
  assert.deepEqual(trail.map(({ action }) => action).slice(0, 6), [
    "device_remove",
    "device_rotate",
    "device_disable",
    "device_grants",
    "device_label",
    "device_add",
  ]);
});

Deno.test("people: a changed role ends what is open, the last admin stays", async () => {
  await using bed = await GatewayBed.start();
  const password = "four words are enough";
  const json = { name: "bob", role: "viewer", password };
  await bed.json("/api/users", { as: "admin", json, status: 201 });
  const login = { json: { username: "bob", password } };
  const { access_token: token } = await bed.json("/api/auth/login", login);
  const headers = { authorization: `Bearer ${token}` };
  await bed.json("/api/auth/profile", { headers });
  const patch = { as: "admin", method: "PATCH" } as const;
  await bed.json("/api/users/bob", { ...patch, json: { role: "operator" } });
  await bed.json("/api/auth/profile", { headers, status: 401 });
  await bed.json("/api/users/admin", { ...patch, json: { role: "viewer" }, status: 409 });
  await bed.json("/api/users/bob", { as: "admin", method: "DELETE", status: 204 });
  await bed.json("/api/auth/login", { ...login, status: 401 });
  const { items } = await bed.json<Page<{ name: string }>>("/api/users", { as: "admin" });
  assert.deepEqual(items.map(({ name }) => name), ["admin", "operator", "viewer"]);
});

Deno.test("queue, journey, destinations: pause, test, resume, backfill", async () => {
  await using bed = await GatewayBed.start(
    '[[destination]]\nname = "away"\ntype = "postgres"\nurl = "postgres://u:p@127.0.0.1:1/x"\n' +
      "timeout_ms = 500\n",
  );
  const message = { metrics: { temperature: 1 } };
  const { id } = await bed.json("/v1/ingest/d", { json: message, status: 202 });
  const queue = await bed.json<{ destinations: { accepted: number; enqueued: number }[] }>(
    "/api/queue",
    { as: "viewer" },
  );
  assert.equal(queue.destinations[0]?.accepted, 1);
  const journey = await bed.json<{ deliveries: { destination: string }[] }>(
    `/api/messages/${id}`,
    { as: "viewer" },
  );
  assert.deepEqual(journey.deliveries.map(({ destination }) => destination), ["away"]);
  const post = { as: "operator", json: {} } as const;
  const paused = await bed.json<{ ledger: { paused: boolean } }>(
    "/api/destinations/away/pause",
    post,
  );
  assert.equal(paused.ledger.paused, true);
  const report = await bed.json<{ ok: boolean; hint: string }>(
    "/api/destinations/away/test",
    post,
  );
  assert.equal(report.ok, false);
  assert(report.hint.length > 0);
  await bed.json("/api/destinations/away/resume", post);
  const window = { from: "2020-01-01T00:00:00Z", to: Date.now() + 1000 };
  const json = { from: window.from, to: String(window.to) };
  await bed.json("/api/destinations/away/backfill", { as: "operator", json });
  await bed.json("/api/destinations/none/pause", { ...post, status: 404 });
  const shown = JSON.stringify(await bed.json("/api/destinations", { as: "viewer" }));
  assert(!shown.includes("u:p"), "a destination's password is never shown");
});

Deno.test("undecodable input: listed, edited, taken in again, purged", async () => {
  await using bed = await GatewayBed.start();
  const topic = "devices/d/telemetry";
  for (const text of ["{", "\u0000\u00ff", '{"a":']) {
    const payload = Uint8Array.from(text, (character) => character.charCodeAt(0));
    await new Promise<void>((resolve) =>
      bed.gateway.intake.take(
        { source: "mqtt", sourceName: "broker", topic, payload },
        () => resolve(),
      )
    );
  }
  const { items } = await bed.json<Page<{ id: number; payload: string | null }>>(
    "/api/dead/sources",
    { as: "operator" },
  );
  assert.deepEqual(items.map(({ payload }) => payload), ["{", null, '{"a":']);
  const [first] = items;
  assert(first !== undefined);
  const edited = { ids: [first.id], payload: '{"a":1}' };
  const path = "/api/dead/sources/replay";
  assert.deepEqual(await bed.json(path, { as: "operator", json: edited }), {
    accepted: 1,
    rejected: 0,
  });
  await bed.json(path, { as: "operator", json: {}, status: 400 });
  await bed.json(path, { as: "operator", json: { all: true, payload: "x" }, status: 409 });
  const purged = await bed.json("/api/dead/sources/purge", {
    as: "operator",
    json: { all: true },
  });
  assert.equal(purged.count, 2);
  await bed.json("/api/dead/replay", { as: "operator", json: {}, status: 400 });
  assert.equal(
    (await bed.json("/api/dead/purge", { as: "operator", json: { all: true } })).count,
    0,
  );
  const trail = await (await bed.fetch("/api/audit?format=csv", { as: "admin" })).text();
  assert.match(trail, /dead_replay,sources/);
});
