import assert from "node:assert/strict";
import type { DestinationOptions } from "@/forward/forward_types.ts";
import { Forwarder } from "@/forward/forwarder.ts";
import { conserves, type Ledger } from "@/model/ledger.ts";
import type { NewMessage } from "@/model/message.ts";
import { DEFAULT_RULES } from "@/model/normalize.ts";
import { databasePath } from "@/store/data_folder.ts";
import { openStore } from "@/store/store.ts";
import type { Store } from "@/store/store_types.ts";
import { message, storeOptions } from "@/store/fixture.ts";
import { commonOptions } from "@/tests/helpers/destination_options.ts";
import { FaultProxy } from "@/tests/helpers/fault_proxy.ts";
import { Mosquitto } from "@/tests/helpers/mosquitto.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import { VictoriaMetrics } from "@/tests/helpers/victoria_metrics.ts";

let postgres: PostgresServer;
Deno.test.beforeAll(async () => {
  postgres = await PostgresServer.start();
});
Deno.test.afterAll(() => postgres[Symbol.asyncDispose]());

/** A real store with the forward Worker behind it. */
class Gateway implements AsyncDisposable {
  readonly store: Store;
  readonly forwarder: Forwarder;
  readonly #folder: TempDir;
  #sent = 0;

  private constructor(store: Store, { forwarder, folder }: {
    forwarder: Forwarder;
    folder: TempDir;
  }) {
    this.store = store;
    this.forwarder = forwarder;
    this.#folder = folder;
  }

  static async start(): Promise<Gateway> {
    const folder = await TempDir.create();
    const store = await openStore(storeOptions(folder.path, { buildTimeMs: 0 }));
    const forwarder = new Forwarder({
      openStorePort: () => store.openForwardPort(),
      databasePath: databasePath(folder.path),
      rules: DEFAULT_RULES,
    });
    forwarder.start();
    return new Gateway(store, { forwarder, folder });
  }

  async configure(...destinations: DestinationOptions[]): Promise<void> {
    await this.store.syncDestinations(destinations.map(({ name }) => name));
    await this.forwarder.configure(destinations);
  }

  /** Commits so many messages `{"temperature": n}` of device d1; resolves once all are accepted. */
  async accept(count: number, entry: Partial<NewMessage> = {}): Promise<void> {
    const accepted = Array.from({ length: count }, () =>
      new Promise((resolve) => {
        const payload = JSON.stringify({ temperature: ++this.#sent });
        this.store.append({ ...message("d1"), seq: null, payload, ...entry }, resolve);
      }));
    await Promise.all(accepted);
  }

  async ledger(name: string): Promise<Ledger> {
    const { ledgers } = await this.store.snapshot();
    const ledger = ledgers.find(({ destination }) => destination === name);
    assert(ledger !== undefined && conserves(ledger), JSON.stringify(ledger));
    return ledger;
  }

  async drained(name: string): Promise<Ledger> {
    return await until(async () => {
      const ledger = await this.ledger(name);
      return ledger.enqueued + ledger.inFlight === 0 ? ledger : null;
    }, { what: `"${name}" is drained: ${JSON.stringify(this.forwarder.status())}` });
  }

  mode(name: string): string | undefined {
    return this.forwarder.status().find((status) => status.name === name)?.mode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.forwarder.stop(2_000);
    await this.store[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

function toPostgres(name: string, database: string, port = postgres.port): DestinationOptions {
  const url = postgres.url({ database, port });
  return { ...commonOptions({ name, timeoutMs: 5_000 }), type: "postgres", url, password: null };
}

function toInflux(name: string, url: string): DestinationOptions {
  const login = { org: "o", bucket: "b", token: "t", location: null };
  return { ...commonOptions({ name }), ...login, type: "influxdb", url };
}

function toMqtt(name: string, url: string): DestinationOptions {
  const login = {
    username: null,
    password: null,
    prefix: "iiot",
    qos: 1,
    clientId: "gw1",
  } as const;
  return { ...commonOptions({ name, batchMessagesMax: 500 }), ...login, type: "mqtt", url };
}

async function countReadings(database: string): Promise<{ rows: number; ids: number }> {
  const [row] = await postgres.query<{ rows: number; ids: number }>(
    "SELECT count(*) AS rows, count(DISTINCT message_id) AS ids FROM readings",
    { database },
  );
  return row ?? { rows: 0, ids: 0 };
}

Deno.test("forwarder: a packet reaches PostgreSQL, VictoriaMetrics and Mosquitto", async () => {
  await using victoria = await VictoriaMetrics.start();
  await using broker = await Mosquitto.start();
  await using subscription = await broker.subscribe("iiot/#");
  await using gateway = await Gateway.start();
  const database = await postgres.createDatabase();
  await gateway.configure(
    toPostgres("pg", database),
    toInflux("vm", victoria.url),
    toMqtt("mq", broker.url),
  );
  const packet = '{"ts":194500,"id":"N2","n1":{"t":28.3,"h":52.6,"g":461235},' +
    '"n2":{"t":27.8,"h":48.8},"sig":{"rssi":-32,"snr":12},"sts":{"rx":1,"err":0}}';
  await gateway.accept(1, {
    source: "serial",
    device: "N2",
    topic: "gateways/N2/packet",
    payload: packet,
    fromReceiver: true,
  });
  for (const name of ["pg", "vm", "mq"]) assert.equal((await gateway.drained(name)).acked, 1);

  const rows = await postgres.query<{ row: string }>(
    `SELECT concat_ws(' ', item, device, measurement, value, unit, gateway) AS row
     FROM readings ORDER BY item`,
    { database },
  );
  assert.deepEqual(rows.map(({ row }) => row), [
    "0 node1 temperature 28.3 celsius gw1",
    "1 node1 humidity 52.6 percent gw1",
    "2 node1 gas_resistance 461235 ohms gw1",
    "3 node2 temperature 27.8 celsius gw1",
    "4 node2 humidity 48.8 percent gw1",
    "5 signal rssi -32 dbm gw1",
    "6 signal snr 12 db gw1",
    "7 stats packets_received 1 gw1",
    "8 stats crc_errors 0 gw1",
  ]);
  const series = await until(async () => {
    const found = await victoria.export('{__name__=~".+"}');
    return found.length === 9 ? found : null;
  }, { what: "nine series are there" });
  assert.deepEqual(
    series.map(({ labels }) => labels.node).sort().join(" "),
    "node1 node1 node1 node2 node2 signal signal stats stats",
  );
  const published = await subscription.atLeast(10);
  assert.deepEqual(published.map(({ topic, payload }) => `${topic} ${payload}`), [
    "iiot/gateway/status online",
    "iiot/node1/temperature 28.3",
    "iiot/node1/humidity 52.6",
    "iiot/node1/gas_resistance 461235",
    "iiot/node2/temperature 27.8",
    "iiot/node2/humidity 48.8",
    "iiot/signal/rssi -32",
    "iiot/signal/snr 12",
    "iiot/stats/packets_received 1",
    "iiot/stats/crc_errors 0",
  ]);
});

Deno.test("forwarder: a hanging, a refusing and a working destination; all arrives once", async () => {
  await using gateway = await Gateway.start();
  const [one, two, three] = await Promise.all(
    [1, 2, 3].map(() => postgres.createDatabase()),
  ) as [string, string, string];
  await using hanging = await FaultProxy.start(postgres.port, "hang");
  await using refusing = await FaultProxy.start(postgres.port, "refuse");
  const port = refusing.port === 0 ? 1 : refusing.port;
  await gateway.configure(
    { ...toPostgres("hangs", one, hanging.port), timeoutMs: 500 },
    toPostgres("refused", two, port),
    toPostgres("works", three),
  );
  await gateway.accept(3000);
  await gateway.drained("works");
  assert.deepEqual(await countReadings(three), { rows: 3000, ids: 3000 });
  await until(() => ["backing_off", "circuit_open"].includes(gateway.mode("hangs") ?? ""), {
    what: "the hanging one is given up for now",
  });
  assert.equal((await gateway.ledger("hangs")).acked, 0);
  await hanging.set("pass");
  await gateway.forwarder.wake("hangs");
  await gateway.drained("hangs");
  assert.deepEqual(await countReadings(one), { rows: 3000, ids: 3000 });
});

Deno.test("forwarder: the server restarts in the middle of a drain; nothing is lost or doubled", async () => {
  await using server = await PostgresServer.start();
  await using gateway = await Gateway.start();
  const database = await server.createDatabase();
  const options: DestinationOptions = {
    ...commonOptions({ name: "pg", batchMessagesMax: 200, timeoutMs: 5_000 }),
    type: "postgres",
    url: server.url({ database }),
    password: null,
  };
  await gateway.configure(options);
  await gateway.accept(20_000);
  await until(async () => (await gateway.ledger("pg")).acked > 1000, { what: "it drains" });
  await server.stop("immediate");
  await until(() => gateway.mode("pg") === "backing_off", { what: "the loss is noticed" });
  await server.resume();
  await until(async () => {
    gateway.forwarder.wake("pg");
    return (await gateway.ledger("pg")).acked === 20_000;
  }, { what: "all is delivered", everyMs: 50 });
  const [row] = await server.query(
    "SELECT count(*) AS rows, count(DISTINCT value) AS values FROM readings",
    { database },
  );
  assert.deepEqual(row, { rows: 20_000, values: 20_000 });
});

Deno.test("forwarder: a new configuration leaves unchanged destinations alone", async () => {
  await using gateway = await Gateway.start();
  const database = await postgres.createDatabase();
  const other = await postgres.createDatabase();
  const kept = toPostgres("kept", database);
  await gateway.configure(kept, toPostgres("gone", other));
  await until(() => gateway.mode("kept") === "idle" && gateway.mode("gone") === "idle", {
    what: "both are idle",
  });
  const sessions = () =>
    postgres.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'sluice' AND datname IN
       ('${database}', '${other}') ORDER BY pid`,
    );
  const before = await sessions();
  assert.equal(before.length, 2);
  await gateway.configure(kept);
  const after = await until(async () => {
    const found = await sessions();
    return found.length === 1 ? found : null;
  }, { what: "one session is closed" });
  assert(before.some(({ pid }) => pid === after[0]?.pid));
  assert.deepEqual(gateway.forwarder.status().map(({ name }) => name), ["kept"]);
});

Deno.test("forwarder: replayed dead letters arrive", async () => {
  await using gateway = await Gateway.start();
  const database = await postgres.createDatabase();
  await gateway.configure(toPostgres("pg", database));
  await until(() => gateway.mode("pg") === "idle", { what: "the tables are there" });
  await postgres.execute("ALTER TABLE readings ADD CONSTRAINT odd CHECK (value <> 3)", {
    database,
  });
  await gateway.accept(10);
  const ledger = await gateway.drained("pg");
  assert.deepEqual([ledger.acked, ledger.dead], [9, 1]);
  const { items: [dead] } = await gateway.store.listDead({ destination: "pg" }, { limit: 10 });
  assert.match(dead?.error ?? "", /violates check constraint "odd".*23514/);
  await gateway.store.replayDead({ destination: "pg" }, { payload: '{"temperature":33}' });
  assert.equal((await gateway.drained("pg")).acked, 10);
  const rows = await postgres.query("SELECT value FROM readings WHERE value > 10", { database });
  assert.deepEqual(rows, [{ value: 33 }]);
});

Deno.test("forwarder: a test tells what is right or wrong, and writes nothing", async () => {
  await using gateway = await Gateway.start();
  const database = await postgres.createDatabase();
  const good = toPostgres("pg", database);
  await gateway.configure(good);
  const report = await gateway.forwarder.test("pg");
  assert.equal(report.ok, true);
  assert.match(report.detail, /PostgreSQL 15/);
  const wrong = await gateway.forwarder.test({
    ...good,
    type: "postgres",
    password: "wrong",
    url: postgres.url({ database }),
  });
  assert.equal(wrong.ok, false);
  assert.equal(wrong.failure?.code, "FWD-0102");
  assert.match(wrong.failure?.hint ?? "", /password/);
  assert.throws(() => gateway.forwarder.test("none"), /not configured/);
});

Deno.test("forwarder: when the Worker dies, a new one goes on", async () => {
  await using folder = await TempDir.create();
  const dataDir = folder.join("data");
  const database = await postgres.createDatabase();
  const nobody = new MessageChannel();
  let starts = 0;
  let store: Store | null = null;
  // without a database to read, a Worker ends with its first command
  await using forwarder = new Forwarder({
    openStorePort: () => {
      if (store !== null) return store.openForwardPort();
      if (starts++ > 0) throw new Error("the store is away");
      return nobody.port1;
    },
    databasePath: databasePath(dataDir),
    rules: DEFAULT_RULES,
  });
  const notices: string[] = [];
  forwarder.onNotice(({ code, message }) => notices.push(`${code} ${message}`));
  forwarder.start();
  void forwarder.configure([toPostgres("pg", database)]);
  await until(() => notices.length > 0, { what: "the end of the Worker is told" });
  assert.match(notices[0] ?? "", /^FWD-0009 The forward Worker ended: .*No such file/);

  await using opened = await openStore(storeOptions(dataDir, { buildTimeMs: 0 }));
  store = opened;
  await opened.syncDestinations(["pg"]);
  await new Promise((resolve) => opened.append(message("d1"), resolve));
  await until(async () => (await opened.snapshot()).ledgers[0]?.acked === 1, {
    what: "the new Worker has delivered",
  });
  await forwarder.stop(2_000);
  nobody.port2.close();
  assert.equal((await countReadings(database)).rows, 1);
});
