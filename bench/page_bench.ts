/** Server time of the dashboard over a store with ten million readings, beside `/healthz`. */
import type { Row } from "@/bench/report.ts";
import { BUILT_IN_DASHBOARDS } from "@/model/built_in_dashboards.ts";
import { RANGES } from "@/model/chart_steps.ts";
import { Database } from "@/store/database.ts";
import { databasePath } from "@/store/data_folder.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";

const DAYS = 30;
const DAY_US = 86_400_000_000;
const WARM_UP = 20;
const REQUESTS = 200;
const PERSON = { username: "bench", password: "a sentence is a good password" };

export interface PageBenchOptions {
  readings?: number;
}

/** `/` at every range, signed in, one request after the other. */
export async function benchPages({ readings = 10_000_000 }: PageBenchOptions = {}): Promise<Row[]> {
  await using folder = await TempDir.create("sluice-bench-");
  const startedAtMs = performance.now();
  await fill(folder, readings);
  const fillSeconds = (performance.now() - startedAtMs) / 1000;
  await using gateway = await GatewayProcess.start({ folder });
  const add = ["user", "add", PERSON.username, "--role", "viewer", "--password-stdin"];
  await gateway.command(add, { input: `${PERSON.password}\n` });
  const headers = { authorization: `Bearer ${await tokenOf(gateway)}` };
  const peer = await measure(gateway, { path: "/healthz", headers });
  const rows: Row[] = [];
  for (const range of RANGES) {
    const ours = await measure(gateway, { path: `/?range=${range}`, headers });
    rows.push({
      name: `dashboard, ${range}, p95`,
      ours: ours.p95Ms,
      peer: peer.p95Ms,
      unit: "ms",
      note: `p50 ${ours.p50Ms.toFixed(2)}, ${ours.cpuMs.toFixed(1)} ms of processor, ` +
        `${ours.bytes} bytes; /healthz p50 ${peer.p50Ms.toFixed(2)}`,
    });
  }
  const note = `${readings} readings over ${DAYS} days, filled in ${fillSeconds.toFixed(0)} s`;
  const megabytes = (await Deno.stat(databasePath(gateway.dataDir))).size / 1e6;
  return [...rows, { name: "database", ours: megabytes, peer: null, unit: "MB", note }];
}

/** Straight into the tables of history, as the mover would have left them. */
async function fill(folder: TempDir, readings: number): Promise<void> {
  // The program itself makes the schema.
  const gateway = await GatewayProcess.start({ folder });
  await gateway.stop();
  await gateway[Symbol.asyncDispose]();
  using database = new Database(databasePath(folder.join("data")), { fullSync: false });
  fillDatabase(database, readings);
}

/** For other measurements too: any database with the schema. */
export function fillDatabase(database: Database, readings: number): void {
  const series = seriesOfDashboards();
  const each = Math.ceil(readings / series.length);
  for (const [i, names] of series.entries()) {
    fillSeries(database, { series: i + 1, each, ...names });
  }
}

/** Those that the built-in dashboards show. */
function seriesOfDashboards(): { device: string; measurement: string }[] {
  const keys = BUILT_IN_DASHBOARDS.flatMap(({ dashboard }) =>
    dashboard.panels.flatMap((panel) =>
      panel.series.flatMap(({ device, measurement, of }) =>
        [measurement, of].filter((name) => name !== undefined).map((name) => `${device}/${name}`)
      )
    )
  );
  return [...new Set(keys)].map((key) => {
    const [device = "", measurement = ""] = key.split("/");
    return { device, measurement };
  });
}

function fillSeries(
  database: Database,
  { series, each, device, measurement }: {
    series: number;
    each: number;
    device: string;
    measurement: string;
  },
): void {
  const lastUs = Date.now() * 1000;
  const stepUs = Math.floor(DAYS * DAY_US / each);
  database.transaction(() => {
    database.run(
      `INSERT INTO series (series, device, measurement, unit, latest_us, latest_value)
       VALUES (?, ?, ?, NULL, ?, 21.5)`,
      ...[series, device, measurement, lastUs],
    );
    const isCounter = device === "stats";
    // Newest first: a counter falls as i grows. Else a slow wave with noise on it.
    const value = isCounter
      ? `(?2 - i) / ${measurement === "crc_errors" ? 150.0 : 3}`
      : "18.5 + abs(i % 40000 - 20000) / 4000.0 + abs(random() % 100) / 100.0";
    database.run(
      `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
       INSERT INTO readings (series, at_us, number, item, value, flags)
       SELECT ?1, CAST(?3 AS INTEGER) - i * CAST(?4 AS INTEGER), i, 0, ${value}, 0 FROM n`,
      ...[series, each, lastUs, stepUs],
    );
    rollUp(database, { series, table: "minutes", unitUs: 60_000_000 });
    rollUp(database, { series, table: "hours", unitUs: 3_600_000_000 });
  }, { relaxed: true });
}

function rollUp(
  database: Database,
  { series, table, unitUs }: { series: number; table: "minutes" | "hours"; unitUs: number },
): void {
  database.run(
    `INSERT INTO ${table} (series, bucket, count, sum, min, max, last, last_us)
     SELECT series, at_us / ${unitUs}, count(*), sum(value), min(value), max(value), max(value),
       max(at_us) FROM readings WHERE series = ? GROUP BY 2`,
    series,
  );
}

async function tokenOf(gateway: GatewayProcess): Promise<string> {
  const response = await fetch(`${gateway.httpUrl}/api/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(PERSON),
  });
  const { access_token: token } = await response.json();
  return token;
}

interface Measured {
  p50Ms: number;
  p95Ms: number;
  /** Of all threads for one request: what a busy machine does not change. */
  cpuMs: number;
  bytes: number;
}

async function measure(
  gateway: GatewayProcess,
  { path, headers }: { path: string; headers: Record<string, string> },
): Promise<Measured> {
  const url = gateway.httpUrl + path;
  const times: number[] = [];
  let [bytes, cpuBeforeMs] = [0, 0];
  for (let i = 0; i < WARM_UP + REQUESTS; i++) {
    if (i === WARM_UP) cpuBeforeMs = await processorMs(gateway.pid);
    const startedAtMs = performance.now();
    const response = await fetch(url, { headers });
    bytes = (await response.arrayBuffer()).byteLength;
    if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
    if (i >= WARM_UP) times.push(performance.now() - startedAtMs);
  }
  const cpuMs = (await processorMs(gateway.pid) - cpuBeforeMs) / REQUESTS;
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.floor(part * (times.length - 1))]!;
  return { p50Ms: at(0.5), p95Ms: at(0.95), cpuMs, bytes };
}

/** Kernel ticks, of which Linux shows a hundred a second to programs. */
const TICK_MS = 10;

/** Time that a process has been running on processors. */
async function processorMs(pid: number): Promise<number> {
  // Deno opens files below /proc only with all permissions; cat needs none of them.
  const stat = await run("cat", { args: [`/proc/${pid}/stat`] });
  // The second field is the name in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return TICK_MS * (Number(fields[11]) + Number(fields[12]));
}
