import assert from "node:assert/strict";
import { CapturedTerminal } from "@/cli/fixture.ts";
import { runCommandLine } from "@/cli/command_line.ts";
import { freePort } from "@/tests/helpers/free_port.ts";
import { Mosquitto } from "@/tests/helpers/mosquitto.ts";
import { until } from "@/tests/helpers/until.ts";

Deno.test("a simulation publishes over real MQTT until it is stopped", async () => {
  await using broker = await Mosquitto.start();
  await using watcher = await broker.subscribe("#", { qos: 1 });
  const terminal = new CapturedTerminal();
  const running = runCommandLine(
    ["simulate", "--devices", "5", "--rate", "200", "--seed", "1", "--url", broker.url],
    terminal.surroundings,
  );
  await watcher.atLeast(60);
  terminal.stop.abort();
  assert.equal(await running, 0, terminal.stderr);
  assert.match(terminal.stderr, /5 devices, 200 messages per second to mqtt:.*, seed 1/);
  const [, sent, acknowledged] = /sent (\d+), acknowledged (\d+), held back 0/.exec(
    terminal.stdout,
  )!;
  assert.equal(acknowledged, sent);
  const seen = await watcher.atLeast(Number(sent));
  const topics = new Set(seen.map((message) => message.topic));
  assert.ok(topics.has("gateways/N2/packet") && topics.has("devices/camera-1/prediction"));
});

Deno.test("a simulation ends by itself after its duration", async () => {
  await using broker = await Mosquitto.start();
  const terminal = new CapturedTerminal();
  const args = ["simulate", "--rate", "50", "--duration", "200ms", "--url", broker.url];
  assert.equal(await runCommandLine(args, terminal.surroundings), 0, terminal.stderr);
  assert.match(terminal.stdout, /sent [1-9]/);
});

Deno.test("without a broker it says why, keeps trying, and fails in the end", async () => {
  const terminal = new CapturedTerminal();
  const url = `mqtt://127.0.0.1:${freePort()}`;
  const running = runCommandLine(
    ["simulate", "--devices", "1", "--rate", "1000", "--url", url],
    terminal.surroundings,
  );
  await until(() => terminal.stderr.includes("ECONNREFUSED"), { what: "the trouble is told" });
  terminal.stop.abort();
  assert.equal(await running, 1);
  assert.match(terminal.stdout, /acknowledged 0, held back \d+/);
});

Deno.test("a broker that acknowledges nothing is left after a while", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const deaf = (async () => {
    const conn = await listener.accept();
    await conn.write(new Uint8Array([0x20, 2, 0, 0]));
    let received = 0;
    for await (const chunk of conn.readable) received += chunk.length;
    return received;
  })();
  const terminal = new CapturedTerminal();
  const url = `mqtt://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  const args = ["simulate", "--devices", "1", "--rate", "1000", "--url", url];
  const running = runCommandLine([...args, "--duration", "500ms"], terminal.surroundings);
  assert.equal(await running, 1);
  // The window bounds what waits: the rest is held back and counted.
  assert.match(terminal.stdout, /sent 64, acknowledged 0, held back [1-9]/);
  assert.ok(await deaf > 0);
});
