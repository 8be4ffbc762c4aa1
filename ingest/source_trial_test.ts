import assert from "node:assert/strict";
import { trySerial, trySubscriber } from "@/ingest/source_trial.ts";
import type { SubscriberOptions } from "@/ingest/subscriber_source.ts";
import { Mosquitto } from "@/tests/helpers/mosquitto.ts";

function optionsFor(port: number, rest: Partial<SubscriberOptions> = {}): SubscriberOptions {
  return {
    ...{ name: "site", gatewayId: "gw", host: "127.0.0.1", port, tls: null, version: 5 },
    ...{ clientId: "sluice-gw-site", username: null, password: null, qos: 1 },
    filters: ["$share/gateways/devices/#", "gateways/+/packet"],
    ...{ unacknowledgedMax: 10, packetBytesMax: 65_536, keepAliveSeconds: 30 },
    ...{ sessionExpirySeconds: 3600, connectTimeoutMs: 10_000 },
    ...rest,
  };
}

Deno.test("a trial leaves no session behind and takes nothing from a shared group", async () => {
  await using broker = await Mosquitto.start();
  for (const version of [5, 4] as const) {
    await broker.publish("devices/oven/temperature", "20", { retain: true });
    const trial = await trySubscriber(optionsFor(broker.port, { version }));
    assert.equal(trial.ok, true, trial.message);
    assert.match(trial.message, /2 topic filters, MQTT (5\.0|3\.1\.1)$/);
  }
  const connects = [...broker.log.matchAll(/as sluice-gw-site-test \(p\d, c(\d)/g)];
  assert.deepEqual(connects.map(([, clean]) => clean), ["1", "1"], broker.log);
  assert.match(broker.log, /sluice-gw-site-test 1 devices\/#/, "outside of the group");
  assert.doesNotMatch(broker.log, /\$share/);
  assert.doesNotMatch(broker.log, /PUBACK from sluice-gw-site-test/, "nothing is taken over");
});

Deno.test("what a broker refuses is told with what to do", async () => {
  await using broker = await Mosquitto.start({
    users: { sluice: "right", other: "right" },
    acl: "user other\ntopic readwrite #\n",
  });
  const wrong = await trySubscriber(
    optionsFor(broker.port, { username: "sluice", password: "wrong" }),
  );
  assert.equal(wrong.ok, false);
  assert.match(wrong.message, /refused CONNECT with code 0x8[67]/);
  assert.match(wrong.hint, /username, password/);
});

Deno.test("a broker that is not there is told", async () => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr as Deno.NetAddr;
  free.close();
  const trial = await trySubscriber(optionsFor(port));
  assert.equal(trial.ok, false);
  assert.match(trial.message, /ECONNREFUSED/);
});

Deno.test("a serial port that is none, and one that is read already", async () => {
  const port = { name: "board", path: "/dev/null", baud: 115_200, receiver: "N2" };
  const none = await trySerial(port, { reader: null });
  assert.equal(none.ok, false);
  assert.match(none.message, /^Cannot open serial port "\/dev\/null": .*ioctl/);
  assert.match(none.hint, /dialout/);
  const read = await trySerial(port, { reader: "board" });
  assert.deepEqual(read, {
    ok: true,
    message: 'source "board" has "/dev/null" open already',
    hint: "",
  });
});
