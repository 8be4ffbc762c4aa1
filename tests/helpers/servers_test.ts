import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { FaultProxy } from "@/tests/helpers/fault_proxy.ts";
import { InfluxAnswers } from "@/tests/helpers/influx_answers.ts";
import { Mosquitto } from "@/tests/helpers/mosquitto.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { until } from "@/tests/helpers/until.ts";
import { VictoriaMetrics } from "@/tests/helpers/victoria_metrics.ts";

Deno.test("PostgreSQL starts, keeps data over a crash and a restart", async () => {
  await using server = await PostgresServer.start();
  const database = await server.createDatabase();
  await server.execute("CREATE TABLE t(x float8); INSERT INTO t VALUES (26.7)", { database });
  const port = server.port;
  await server.stop("immediate");
  await assert.rejects(server.execute("SELECT 1"), /refused/);
  await server.resume();
  assert.equal(server.port, port);
  assert.deepEqual(await server.query("SELECT x FROM t", { database }), [{ x: 26.7 }]);
});

Deno.test("VictoriaMetrics stores a line and keeps a re-sent point once", async () => {
  await using server = await VictoriaMetrics.start();
  for (let sent = 0; sent < 2; sent++) {
    const response = await fetch(`${server.url}/api/v2/write?precision=ns`, {
      method: "POST",
      body: "temperature,node=node1 value=26.7 1767225600000000000\n",
    });
    assert.equal(response.status, 204);
    await response.body?.cancel();
  }
  const series = await until(
    async () => (await server.export('{node="node1"}'))[0],
    { what: "the point can be read" },
  );
  assert.deepEqual(series, {
    labels: { __name__: "temperature_value", node: "node1" },
    values: [26.7],
    timestamps: [1767225600000],
  });
});

Deno.test("Mosquitto delivers, retains and checks passwords", async () => {
  await using broker = await Mosquitto.start({ users: { ada: "correct horse" } });
  const ada = { username: "ada", password: "correct horse" };
  await broker.publish("t/kept", "zwölf €", { ...ada, retain: true });
  await using subscription = await broker.subscribe("t/#", ada);
  await broker.publish("t/now", "", ada);
  assert.deepEqual(await subscription.atLeast(2), [
    { topic: "t/kept", payload: "zwölf €", qos: 1, retained: true },
    { topic: "t/now", payload: "", qos: 1, retained: false },
  ]);
  await assert.rejects(broker.publish("t/now", "x", { username: "ada", password: "wrong" }));
});

Deno.test("the InfluxDB stand-in answers as InfluxDB does", async () => {
  await using influx = new InfluxAnswers({
    refuse: (line) => line.startsWith("bad") ? "bad" : null,
  });
  const write = (body: string, token = "secret-token", bucket = "iot") =>
    fetch(`${influx.url}/api/v2/write?org=sluice&bucket=${bucket}&precision=ns`, {
      method: "POST",
      headers: { authorization: `Token ${token}` },
      body,
    }).then(async (response) => [response.status, await response.text()]);
  assert.deepEqual(await write("t,node=a value=1 5\nt,node=a value=2 5"), [204, ""]);
  assert.equal((await write("t value=1 5", "wrong"))[0], 401);
  assert.equal((await write("t value=1 5", "secret-token", "none"))[0], 404);
  assert.equal((await write("t value= 5"))[0], 400);
  const [status, text] = await write("bad value=1 5\ngood value=1 5");
  assert.equal(status, 422);
  assert.match(String(text), /dropped=1/);
  assert.deepEqual(influx.stored, ["t,node=a value=2 5", "good value=1 5"]);
});

Deno.test("the fault proxy passes, refuses, hangs and half-closes", async () => {
  const echo = createServer((socket) => void socket.on("error", () => {}).pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const address = echo.address();
  assert(address !== null && typeof address !== "string");
  {
    await using proxy = await FaultProxy.start(address.port);
    const dial = () => connect({ host: "127.0.0.1", port: proxy.port }).on("error", () => {});
    const passing = dial();
    passing.write("hello");
    assert.equal(String((await once(passing, "data"))[0]), "hello");
    await proxy.set("half_close");
    await once(passing.resume(), "end");
    passing.destroy();
    await proxy.set("refuse");
    const [refused] = await once(connect({ host: "127.0.0.1", port: proxy.port }), "error");
    assert.match(String(refused), /refused/i);
    await proxy.set("hang");
    const hanging = dial();
    await once(hanging, "connect");
    hanging.write("hello");
    await until(() => proxy.open === 1, { what: "the proxy holds the connection" });
    const closed = new Promise((resolve) => hanging.on("close", resolve).resume());
    proxy.cut();
    await closed;
  }
  echo.close();
  await once(echo, "close");
});

Deno.test("a process that fails tells its output", async () => {
  await assert.rejects(run("id", { args: ["no-such-user-here"] }), /no such user/);
  await using process = new ServerProcess("id", { args: ["no-such-user-here"] });
  await assert.rejects(process.untilOutput(/ready/), /exit code 1[\s\S]*no such user/);
});
