/** Device A on what is device B's: publishes, subscriptions, wills, deliveries, ingest. */
import assert from "node:assert/strict";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import { GatewayBed } from "@/tests/api/gateway_bed.ts";
import { RawClient } from "@/tests/mqtt/raw_client.ts";
import { connect, publish } from "@/tests/mqtt/wire.ts";

const by = LOCAL_ACTOR;
const A = "press-4";
const B = "press-5";

interface Pair {
  bed: GatewayBed;
  a: { username: string; password: string };
  b: { username: string; password: string };
}

async function twoDevices(): Promise<Pair> {
  const bed = await GatewayBed.start("", { people: false });
  const [a, b] = [
    await bed.gateway.auth.devices.add(A, { by }),
    await bed.gateway.auth.devices.add(B, { by }),
  ];
  assert(a !== null && b !== null);
  return { bed, a, b };
}

function open(bed: GatewayBed, options: IClientOptions): Promise<MqttClient> {
  const url = `mqtt://${bed.gateway.addresses.mqtt}`;
  return mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, ...options });
}

/** Topics of B's in every tree, and tricks around A's own. */
const FOREIGN = [
  `devices/${B}/telemetry`,
  `devices/${B}/temperature`,
  `devices/${B}/prediction`,
  `device/${B}/stats`,
  `gateways/${B}/packet`,
  `devices/${A}x/telemetry`,
  `devices/${A.slice(0, -1)}/telemetry`,
  `devices//telemetry`,
  `devices/${A.toUpperCase()}/telemetry`,
  `devices/../devices/${B}/telemetry`,
  `iiot/${B}/temperature`,
  `iiot/gateway/status`,
  "$SYS/broker/version",
  "anything",
];

Deno.test("A's publishes on other topics: 5.0 gets 0x87, 3.1.1 is closed without PUBACK", async () => {
  const { bed, a } = await twoDevices();
  await using _bed = bed;
  const port = Number(bed.gateway.addresses.mqtt?.split(":").at(-1));
  for (const topic of FOREIGN) {
    // What an old bridge says on $SYS is taken and goes nowhere.
    const versions = topic.startsWith("$") ? [5] as const : [4, 5] as const;
    for (const version of versions) {
      await using client = await RawClient.open(port, version);
      client.send(connect({ version, clientId: "a", ...a }));
      await client.next();
      client.send(publish(version, { topic, payload: '{"t":1}', qos: 1, id: 7 }));
      if (version === 5) {
        assert.equal((await client.next()).head, "puback 7 0x87", topic);
      } else {
        await client.closed();
        assert.deepEqual(client.packets, [], topic);
      }
    }
  }
  assert.equal(bed.gateway.store.state.lastNumber, 0, "nothing was taken");
});

Deno.test("A's wills on other topics: the connection is refused", async () => {
  const { bed, a } = await twoDevices();
  await using _bed = bed;
  for (const topic of FOREIGN.filter((each) => !each.startsWith("$"))) {
    for (const protocolVersion of [4, 5] as const) {
      const will = { topic, payload: "gone", qos: 1 as const, retain: false };
      await assert.rejects(open(bed, { ...a, protocolVersion, will }), topic);
    }
  }
  const will = { topic: `devices/${A}/status`, payload: "gone", qos: 1 as const, retain: false };
  await (await open(bed, { ...a, will })).endAsync();
});

Deno.test("A subscribes to its own trees only, and a delivery asks again", async () => {
  const { bed, a, b } = await twoDevices();
  await using _bed = bed;
  const mine = await open(bed, a);
  const filters = [`devices/${B}/#`, "#", "+/+/+", "devices/#", "devices/+/telemetry", "iiot/#"];
  for (const filter of [...filters, `$share/g/devices/${B}/#`, "$SYS/#", `devices/${A}x/#`]) {
    const [granted] = await mine.subscribeAsync(filter, { qos: 1 }).catch(() => []);
    assert(granted === undefined || granted.qos >= 0x80, filter);
  }
  const seen: string[] = [];
  mine.on("message", (topic) => seen.push(topic));
  const { devices } = bed.gateway.auth;
  await devices.setGrants(A, { grants: [{ action: "subscribe", filter: `devices/${B}/#` }], by });
  await mine.subscribeAsync(`devices/${B}/#`, { qos: 1 });
  const other = await open(bed, b);
  await other.publishAsync(`devices/${B}/note`, "1", { qos: 1 });
  // The right ends: what is published now does not come any more, although the filter stands.
  await devices.setGrants(A, { grants: [], by });
  await other.publishAsync(`devices/${B}/note`, "2", { qos: 1 });
  await mine.subscribeAsync(`devices/${A}/#`, { qos: 1 });
  const own = new Promise<void>((resolve) =>
    mine.on("message", (topic) => topic === `devices/${A}/last` && resolve())
  );
  await mine.publishAsync(`devices/${A}/last`, "3", { qos: 1 });
  await own;
  assert.deepEqual(seen, [`devices/${B}/note`, `devices/${A}/last`]);
  await Promise.all([mine.endAsync(), other.endAsync()]);
});

Deno.test("A's credential opens no ingest path of B's, alone, in a batch or written oddly", async () => {
  const { bed, a } = await twoDevices();
  await using _bed = bed;
  const headers = { authorization: `Basic ${btoa(`${a.username}:${a.password}`)}` };
  const json = { metrics: { t: 1 } };
  for (const path of [B, `${A}x`, A.toUpperCase()]) {
    await bed.json(`/v1/ingest/${path}`, { json, headers, status: 403 });
  }
  for (const path of [`${A}%2f..%2f${B}`, `..%2f${B}`, `${A}/../${B}/`]) {
    const response = await bed.fetch(`/v1/ingest/${path}`, { json, headers });
    await response.body?.cancel();
    assert([400, 403, 404].includes(response.status), `${path}: ${response.status}`);
  }
  const lines = [A, B, `${A}/../${B}`].map((device) => JSON.stringify({ device, ...json }));
  const batch = await bed.json<{ results: { status: string }[] }>("/v1/ingest", {
    headers: { ...headers, "content-type": "application/x-ndjson" },
    body: lines.join("\n"),
    status: 202,
  });
  assert.deepEqual(batch.results.map(({ status }) => status), ["accepted", "rejected", "rejected"]);
  // Device credentials are none of a person's.
  await bed.json("/api/readings", { headers, status: 401 });
  await bed.json("/api/auth/profile", {
    headers: { authorization: `Bearer ${a.username}.${a.password}` },
    status: 401,
  });
  assert.equal(bed.gateway.store.state.lastNumber, 1);
});
