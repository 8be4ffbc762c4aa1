/**
 * The broker itself beside Debian's Mosquitto, in one run on one machine: messages that are not
 * telemetry, so that both do the same work. Who stores what is measured in `ingest_bench.ts`.
 */
import { compileLoadGenerator, type Load } from "@/bench/load/load_generator.ts";
import { residentMegabytes, type Row } from "@/bench/report.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { freePort } from "@/tests/helpers/free_port.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";

export interface MqttBenchOptions {
  /** Folder for the compiled load generators. */
  folder: string;
  /** Runs of each measurement; the median counts. */
  runs?: number;
  fanInMessages?: number;
  fanOutMessages?: number;
  idleConnections?: number;
}

/** What `mqtt_fan.c` prints for `out`. */
interface FanResult {
  deliveries: number;
  rate: number;
  p50_ms: number;
  p99_ms: number;
}

/** The two brokers, both waiting. */
interface Pair {
  ours: GatewayProcess;
  peer: QuietMosquitto;
}

const SUBSCRIBERS = 1000;

/** Fan-in and fan-out at QoS 0 and 1, and the memory of idle connections. */
export async function benchMqtt(options: MqttBenchOptions): Promise<Row[]> {
  const { folder, runs = 3 } = options;
  const load = await compileLoadGenerator(folder);
  const fan = await compileFan(folder);
  await using peer = await QuietMosquitto.start(folder);
  await using ours = await GatewayProcess.start();
  const pair = { ours, peer };
  const messages = options.fanInMessages ?? 300_000;
  const rows: Row[] = [];
  for (const qos of [0, 1] as const) rows.push(await fanIn(pair, { load, qos, messages, runs }));
  const each = options.fanOutMessages ?? 300;
  for (const qos of [0, 1] as const) rows.push(await fanOut(pair, { fan, qos, each, runs }));
  const connections = options.idleConnections ?? 10_000;
  rows.push(...await idle(fan, { folder, connections }));
  return rows;
}

/** Its defaults would hold back what ours takes; a line of log for each packet would slow it. */
const MOSQUITTO_CONFIG = [
  "allow_anonymous true",
  "max_inflight_messages 0",
  "max_queued_messages 0",
  "max_connections -1",
  "set_tcp_nodelay true",
  "connection_messages false",
];

/** Mosquitto as it is run in earnest: without a log of packets. */
export class QuietMosquitto implements AsyncDisposable {
  readonly port: number;
  readonly #process: ServerProcess;

  private constructor(port: number, process: ServerProcess) {
    this.port = port;
    this.#process = process;
  }

  static async start(folder: string): Promise<QuietMosquitto> {
    const port = freePort();
    const lines = [`listener ${port} 127.0.0.1`, ...MOSQUITTO_CONFIG];
    if (Deno.uid() === 0) lines.push("user root");
    await Deno.writeTextFile(`${folder}/mosquitto.conf`, lines.join("\n") + "\n");
    const process = new ServerProcess("mosquitto", { args: ["-c", `${folder}/mosquitto.conf`] });
    await process.untilOutput(/mosquitto version .* running/, { stream: "stderr" });
    return new QuietMosquitto(port, process);
  }

  get pid(): number {
    return this.#process.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop();
  }
}

async function compileFan(folder: string): Promise<string> {
  const source = new URL("./load/mqtt_fan.c", import.meta.url).pathname;
  const program = `${folder}/mqtt_fan`;
  await run("gcc", { args: ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source] });
  return program;
}

/** The median run by rate; both brokers in turn, so that a busy machine is busy for both. */
async function inTurn<R extends { rate: number }>(
  { ours, peer }: Pair,
  { runs, measure }: { runs: number; measure: (port: number) => Promise<R> },
): Promise<{ ours: R; peer: R }> {
  const results: { ours: R[]; peer: R[] } = { ours: [], peer: [] };
  for (let i = 0; i < runs; i++) {
    results.peer.push(await measure(peer.port));
    results.ours.push(await measure(ours.mqttPort));
  }
  return { ours: median(results.ours), peer: median(results.peer) };
}

function median<R extends { rate: number }>(results: R[]): R {
  return results.toSorted((a, b) => a.rate - b.rate)[results.length >> 1]!;
}

async function fanIn(
  pair: Pair,
  { load, qos, messages, runs }: {
    load: (load: Load) => Promise<{ rate: number; p50_ms: number; p99_ms: number }>;
    qos: 0 | 1;
    messages: number;
    runs: number;
  },
): Promise<Row> {
  const measure = (port: number) =>
    load({ port, connections: 100, window: 20, messages, qos, topic: "fan/in" });
  const { ours, peer } = await inTurn(pair, { runs, measure });
  return {
    name: `fan-in QoS ${qos}, 100 publishers`,
    ours: ours.rate,
    peer: peer.rate,
    unit: "msg/s",
    note: qos === 0 ? "until the last is read" : latencies(ours, peer),
  };
}

async function fanOut(
  pair: Pair,
  { fan, qos, each, runs }: { fan: string; qos: 0 | 1; each: number; runs: number },
): Promise<Row> {
  const numbers = [SUBSCRIBERS, 10, each, qos].map(String);
  const measure = async (port: number): Promise<FanResult> =>
    JSON.parse(await run(fan, { args: ["out", "127.0.0.1", String(port), ...numbers] }));
  const { ours, peer } = await inTurn(pair, { runs, measure });
  return {
    name: `fan-out QoS ${qos}, 1 → ${SUBSCRIBERS}`,
    ours: ours.rate,
    peer: peer.rate,
    unit: "deliveries/s",
    note: latencies(ours, peer),
  };
}

function latencies(
  ours: { p50_ms: number; p99_ms: number },
  peer: { p50_ms: number; p99_ms: number },
): string {
  return `p50 ${ours.p50_ms} ms, p99 ${ours.p99_ms} ms; ` +
    `peer p50 ${peer.p50_ms}, p99 ${peer.p99_ms}`;
}

/** Resident memory before and with the connections, each broker fresh. */
async function idle(
  fan: string,
  { folder, connections }: { folder: string; connections: number },
): Promise<Row[]> {
  const peer = await (async () => {
    await using mosquitto = await QuietMosquitto.start(folder);
    return await growth(fan, { port: mosquitto.port, pid: mosquitto.pid, connections });
  })();
  await using gateway = await GatewayProcess.start({
    config: `[mqtt]\nconnections_max = ${connections + 100}\n`,
  });
  const ours = await growth(fan, { port: gateway.mqttPort, pid: gateway.pid, connections });
  return [{
    name: `memory of an idle connection, ${connections} of them`,
    ours: ours.kilobytesEach,
    peer: peer.kilobytesEach,
    unit: "kB",
    note: `all: ${Math.round(ours.megabytes)} MB; peer: ${Math.round(peer.megabytes)} MB`,
  }];
}

interface Growth {
  kilobytesEach: number;
  megabytes: number;
}

async function growth(
  fan: string,
  { port, pid, connections }: { port: number; pid: number; connections: number },
): Promise<Growth> {
  const before = await residentMegabytes(pid);
  await using holder = new ServerProcess(fan, {
    args: ["idle", "127.0.0.1", String(port), String(connections)],
    stdin: "piped",
  });
  await holder.untilOutput(/"connections":/, { timeoutMs: 120_000 });
  const megabytes = await residentMegabytes(pid);
  return { kilobytesEach: (megabytes - before) * 1000 / connections, megabytes };
}
