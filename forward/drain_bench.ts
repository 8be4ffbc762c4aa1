/**
 * Drains a backlog from the real store into a real PostgreSQL, as the gateway does it: the store
 * fills its history from the same backlog at the same time and takes its share of the processor.
 *
 *   deno run <permissions> forward/drain_bench.ts [messages] [rounds]
 */
import process from "node:process";
import { Forwarder } from "@/forward/forwarder.ts";
import { DEFAULT_RULES } from "@/model/normalize.ts";
import { databasePath } from "@/store/data_folder.ts";
import { message, storeOptions } from "@/store/fixture.ts";
import { openStore } from "@/store/store.ts";
import { commonOptions } from "@/tests/helpers/destination_options.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";

const messages = Number(Deno.args[0] ?? 200_000);
const rounds = Number(Deno.args[1] ?? 3);

await using server = await PostgresServer.start({
  settings: { fsync: "on", full_page_writes: "on" },
});
const rates: number[] = [];
for (let round = 0; round < rounds; round++) rates.push(await drain());
rates.sort((a, b) => a - b);
console.log(`median ${rates[Math.floor(rates.length / 2)]} messages/s of ${rates.join(", ")}`);

async function drain(): Promise<number> {
  await using folder = await TempDir.create("sluice-bench-");
  await using store = await openStore(storeOptions(folder.path, { buildTimeMs: 0 }));
  await store.syncDestinations(["pg"]);
  await fill(store);
  await using forwarder = new Forwarder({
    openStorePort: () => store.openForwardPort(),
    databasePath: databasePath(folder.path),
    rules: DEFAULT_RULES,
  });
  const database = await server.createDatabase();
  const writes: number[] = [];
  const written = Promise.withResolvers<void>();
  let left = messages;
  forwarder.onBatch((report) => {
    writes.push(report.seconds);
    left -= report.messages;
    if (left === 0) written.resolve();
  });
  forwarder.start();
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  await forwarder.configure([{
    ...commonOptions({ name: "pg" }),
    type: "postgres",
    url: server.url({ database }),
    password: null,
  }]);
  await written.promise;
  await until(async () => (await store.snapshot()).ledgers[0]?.acked === messages, {
    what: "everything is settled",
  });
  const ms = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  const [row] = await server.query<{ count: number }>("SELECT count(*) FROM readings", {
    database,
  });
  const busy = writes.reduce((sum, seconds) => sum + seconds, 0);
  const rate = Math.round(messages / ms * 1000);
  console.log(
    `${row?.count} rows in ${(ms / 1000).toFixed(2)} s: ${rate}/s, ` +
      `${(busy / (ms / 1000) * 100).toFixed(0)} % of it in writes, ` +
      `${((user + system) / messages).toFixed(1)} µs of processor time a message on our side`,
  );
  await server.execute(`DROP DATABASE ${database} WITH (FORCE)`);
  return rate;
}

async function fill(store: Awaited<ReturnType<typeof openStore>>): Promise<void> {
  const CHUNK = 10_000;
  for (let sent = 0; sent < messages; sent += CHUNK) {
    const done = Array.from(
      { length: Math.min(CHUNK, messages - sent) },
      (_, index) =>
        new Promise((resolve) => {
          const number = sent + index;
          const payload = `{"seq":${number},"values":{"temperature":${20 + (number % 100) / 10}}}`;
          store.append({ ...message(`dev-${number % 1000}`), seq: number, payload }, resolve);
        }),
    );
    await Promise.all(done);
  }
}
