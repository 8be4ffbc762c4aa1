/** Durable QoS 1 ingest beside Debian's Mosquitto (which is not durable), and the drain afterwards. */
import type { Load, LoadResult } from "@/bench/load/load_generator.ts";
import { QuietMosquitto } from "@/bench/mqtt_bench.ts";
import { residentMegabytes, type Row } from "@/bench/report.ts";
import { type GatewayOptions, GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";

type Generate = (load: Load) => Promise<LoadResult>;

const MESSAGES = 500_000;
const BACKLOG = 200_000;
const FAN_IN = { connections: 100, window: 20 };
const RUNS = 3;

function median(results: LoadResult[]): LoadResult {
  return results.sort((a, b) => a.rate - b.rate)[results.length >> 1]!;
}

async function measure(generate: Generate, load: Load): Promise<LoadResult> {
  const results: LoadResult[] = [];
  for (let run = 0; run < RUNS; run++) results.push(await generate(load));
  return median(results);
}

/** The same load on both, alternating machines being the same: one run. */
export async function benchIngest(generate: Generate, folder: string): Promise<Row[]> {
  const peer = await (async () => {
    await using mosquitto = await QuietMosquitto.start(folder);
    return await measure(generate, { ...FAN_IN, port: mosquitto.port, messages: MESSAGES, qos: 1 });
  })();
  await using gateway = await GatewayProcess.start();
  const idleMegabytes = await residentMegabytes(gateway.pid);
  const load = { ...FAN_IN, port: gateway.mqttPort, messages: MESSAGES, qos: 1 as const };
  const ours = await measure(generate, load);
  const note = `p50 ${ours.p50_ms} ms, p99 ${ours.p99_ms} ms; peer p50 ${peer.p50_ms}, ` +
    `p99 ${peer.p99_ms}`;
  return [
    { name: "durable QoS 1 ingest", ours: ours.rate, peer: peer.rate, unit: "msg/s", note },
    {
      name: "memory, idle",
      ours: idleMegabytes,
      peer: null,
      unit: "MB",
      note: "all threads, before the first message",
    },
    {
      name: "memory, after the load",
      ours: await residentMegabytes(gateway.pid),
      peer: null,
      unit: "MB",
      note: `${RUNS * MESSAGES} messages`,
    },
  ];
}

/** How fast a backlog that grew while PostgreSQL was away goes out. */
export async function benchDrain(generate: Generate): Promise<Row[]> {
  await using postgres = await PostgresServer.start();
  const url = postgres.url();
  await using gateway = await GatewayProcess.start({
    config: `[[destination]]\nname = "postgres"\ntype = "postgres"\nurl = "${url}"\ntls = "off"\n`,
  });
  await gateway.command(["destination", "pause", "postgres"]);
  await generate({ ...FAN_IN, port: gateway.mqttPort, messages: BACKLOG, qos: 1 });
  const startedAtMs = performance.now();
  await gateway.command(["destination", "resume", "postgres"]);
  const acked = 'sluice_forward_messages_total{destination="postgres",outcome="acked"}';
  await gateway.untilMetric(acked, BACKLOG, 240_000);
  const seconds = (performance.now() - startedAtMs) / 1000;
  const [counted] = await postgres.query<{ rows: number }>(
    "SELECT count(*)::int AS rows FROM readings",
  );
  const rows = counted?.rows ?? 0;
  return [{
    name: "PostgreSQL drain of a backlog",
    ours: BACKLOG / seconds,
    peer: null,
    unit: "msg/s",
    note: `${rows} rows, ${Math.round(rows / seconds)} rows/s`,
  }];
}

const QUEUED = 1_000_000;

/** Time to ready with a long queue, and with none (CONTRACT C7: within 5 s). */
export async function benchStart(generate: Generate): Promise<Row[]> {
  await using folder = await TempDir.create("sluice-bench-");
  const config = `[[destination]]\nname = "away"\ntype = "influxdb"\n` +
    `url = "http://127.0.0.1:9"\norg = "o"\nbucket = "b"\ntoken = "t"\n`;
  const empty = await secondsToReady({ folder, config });
  {
    await using gateway = await GatewayProcess.start({ folder, config });
    await generate({ ...FAN_IN, port: gateway.mqttPort, messages: QUEUED, qos: 1 });
    await gateway.kill();
  }
  const queued = await secondsToReady({ folder, config });
  const note = "process start to the line on standard output, after a kill";
  return [
    { name: "start, nothing queued", ours: empty, peer: null, unit: "s", note: "" },
    { name: "start, 1 000 000 queued", ours: queued, peer: null, unit: "s", note },
  ];
}

async function secondsToReady(options: GatewayOptions): Promise<number> {
  const startedAtMs = performance.now();
  await using gateway = await GatewayProcess.start(options);
  const seconds = (performance.now() - startedAtMs) / 1000;
  await gateway.stop();
  return seconds;
}
