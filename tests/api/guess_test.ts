/**
 * A thousand guesses, over one account and over many, by every door: they are slowed down, the true
 * owner is not, and the trail stays short.
 */
import assert from "node:assert/strict";
import mqtt from "mqtt";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import { GatewayBed, PASSWORD } from "@/tests/api/gateway_bed.ts";
import { RawClient } from "@/tests/mqtt/raw_client.ts";
import { connect } from "@/tests/mqtt/wire.ts";

const GUESSES = 1000;
const AT_ONCE = 20;
/** Bad user name or password, not authorised, or not a word. */
const REFUSED = /^(closed|connack 0 [45])$/;
const by = LOCAL_ACTOR;

/** Runs `guess` a thousand times, some at once; returns how often each answer came. */
async function guessed(guess: (i: number) => Promise<string>): Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  for (let i = 0; i < GUESSES; i += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, (_, j) => guess(i + j));
    for (const answer of await Promise.all(some)) {
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  }
  return answers;
}

async function login(bed: GatewayBed, username: string, password: string): Promise<string> {
  const response = await bed.fetch("/api/auth/login", { json: { username, password } });
  await response.body?.cancel();
  return String(response.status);
}

async function trailLines(bed: GatewayBed): Promise<number> {
  const { items } = await bed.json<{ items: unknown[] }>("/api/audit?limit=1000", { as: "admin" });
  return items.length;
}

Deno.test("1000 guesses at one account: a handful is looked at, its browser gets in", async () => {
  await using bed = await GatewayBed.start();
  const where = { name: "admin", password: PASSWORD, address: "127.0.0.1" };
  const { knownBrowser } = await bed.gateway.auth.loginBrowser(
    { ...where, knownBrowser: null },
    null,
  );
  const before = await trailLines(bed);
  const answers = await guessed((i) => login(bed, "admin", `guess ${i}`));
  assert.deepEqual([...answers.keys()].sort(), ["401", "429"]);
  assert((answers.get("401") ?? 0) <= 10, `${answers.get("401")} guesses were looked at`);
  assert(await trailLines(bed) - before <= 41);
  await bed.gateway.auth.loginBrowser({ ...where, knownBrowser }, null);
  await bed.json("/api/auth/profile", { as: "admin" });
});

Deno.test("1000 guesses over a thousand accounts: slowed by where they come from", async () => {
  await using bed = await GatewayBed.start();
  const before = await trailLines(bed);
  const answers = await guessed((i) =>
    login(bed, i % 10 === 0 ? "viewer" : `user-${i}`, "12345678")
  );
  assert.deepEqual([...answers.keys()].sort(), ["401", "429"]);
  assert((answers.get("401") ?? 0) <= 40, `${answers.get("401")} guesses were looked at`);
  assert(await trailLines(bed) - before <= 41);
});

/** CONNECT and all that comes until the end; nothing after "closed" without a word. */
async function knock(bed: GatewayBed, username: string, password: string): Promise<string> {
  const port = Number(bed.gateway.addresses.mqtt?.split(":").at(-1));
  await using client = await RawClient.open(port, 4);
  client.send(connect({ version: 4, clientId: username, username, password }));
  await client.closed();
  return client.packets.map(({ line }) => line).join(" ") || "closed";
}

Deno.test("1000 guesses over MQTT, one device and many: refused, the device itself gets in", async () => {
  await using bed = await GatewayBed.start();
  const credential = await bed.gateway.auth.devices.add("oven-1", { by });
  assert(credential !== null);
  const before = await trailLines(bed);
  for (const many of [false, true]) {
    const answers = await guessed((i) => knock(bed, many ? `oven-${i}` : "oven-1", `guess ${i}`));
    for (const answer of answers.keys()) assert.match(answer, REFUSED);
  }
  // A person's password is none of a device's, also at this door.
  assert.match(await knock(bed, "admin", PASSWORD), REFUSED);
  assert(await trailLines(bed) - before <= 41);
  const { username, password } = credential;
  const url = `mqtt://${bed.gateway.addresses.mqtt}`;
  const client = await mqtt.connectAsync(url, { username, password, reconnectPeriod: 0 });
  await client.publishAsync("devices/oven-1/telemetry", '{"t":1}', { qos: 1 });
  await client.endAsync();
});

Deno.test("1000 guesses at HTTP ingest, one device and many: the device itself gets in", async () => {
  await using bed = await GatewayBed.start();
  const credential = await bed.gateway.auth.devices.add("oven-1", { by });
  assert(credential !== null);
  const send = async (device: string, authorization: string) => {
    const headers = { authorization };
    const json = { metrics: { t: 1 } };
    const response = await bed.fetch(`/v1/ingest/${device}`, { json, headers });
    await response.body?.cancel();
    return String(response.status);
  };
  for (const many of [false, true]) {
    const answers = await guessed((i) => {
      const device = many ? `oven-${i}` : "oven-1";
      return send(
        device,
        i % 2 === 0 ? `Basic ${btoa(`${device}:x${i}`)}` : `Bearer ${device}.x${i}`,
      );
    });
    for (const answer of answers.keys()) assert(["401", "429"].includes(answer), answer);
    assert((answers.get("401") ?? 0) <= 60, `${answers.get("401")} answers told something`);
  }
  const { username, password } = credential;
  assert.equal(await send("oven-1", `Basic ${btoa(`${username}:${password}`)}`), "202");
});
