/**
 * What the pictures show: a gateway with a month of readings, a destination that delivers, one that
 * is away, dead letters, and simulated devices that keep sending.
 */
import { Database } from "@/store/database.ts";
import { databasePath } from "@/store/data_folder.ts";
import { freePort } from "@/tests/helpers/free_port.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { startGateway } from "@/tests/web/page_bed.ts";

const MINUTES = 30 * 24 * 60;
const MINUTE_US = 60_000_000;

/** A value by minute and by days since the beginning; `noise` is −0.5…0.5. */
type Wave = (at: { minute: number; days: number; noise: number }) => number;

const SERIES: [device: string, measurement: string, unit: string | null, wave: Wave][] = [
  ["node1", "temperature", "celsius", ({ days, noise }) => 21.4 + 3.6 * day(days, 0.3) + noise / 4],
  ["node1", "humidity", "percent", ({ days, noise }) => 52 - 7 * day(days, 0.3) + noise],
  ["node1", "gas_resistance", "ohms", ({ days, noise }) => 1e5 + 9e3 * day(days, 0) + 1500 * noise],
  ["node2", "temperature", "celsius", ({ days, noise }) => 24.8 + 5.4 * day(days, 0.3) + noise / 3],
  ["node2", "humidity", "percent", ({ days, noise }) => 47 - 5 * day(days, 0.3) + noise],
  ["node2", "pressure", "hpa", ({ days, noise }) => 1012 + 6 * day(days / 7, 0) + noise / 5],
  ["signal", "rssi", "dbm", ({ days, noise }) => Math.round(-48 + 9 * day(days, 0.1) + 4 * noise)],
  ["signal", "snr", "db", ({ days, noise }) => Math.round(10 + 2 * day(days, 0.1) + 2 * noise)],
  ["stats", "packets_received", null, ({ minute }) => minute * 6],
  ["stats", "crc_errors", null, ({ minute }) => Math.floor(minute / 22)],
];

function day(days: number, shift: number): number {
  return Math.sin(2 * Math.PI * (days - shift));
}

export interface Scene extends AsyncDisposable {
  gateway: GatewayProcess;
}

export async function openScene(): Promise<Scene> {
  await using scope = new AsyncDisposableStack();
  const folder = scope.use(await TempDir.create("sluice-scene-"));
  const postgres = scope.use(await PostgresServer.start());
  await makeSchema(folder);
  fillHistory(databasePath(folder.join("data")));
  const config = configOf(postgres.url({ database: await postgres.createDatabase() }));
  const gateway = scope.use(await startGateway({ folder, config, args: ["--demo"] }));
  await sendDay(gateway);
  await gateway.untilMetric('sluice_ingest_messages_total{source="mqtt",outcome="accepted"}', 400);
  const owned = scope.move();
  return { gateway, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The program itself makes the schema. */
async function makeSchema(folder: TempDir): Promise<void> {
  await using gateway = await GatewayProcess.start({ folder });
  await gateway.stop();
}

function configOf(postgresUrl: string): string {
  return `
[[destination]]
name = "postgres"
type = "postgres"
url = ${JSON.stringify(postgresUrl)}

[[destination]]
name = "influxdb"
type = "influxdb"
url = "http://127.0.0.1:${freePort()}"
org = "home"
bucket = "sluice"
token = "not-a-secret"
`;
}

/** As the mover of history would have left it. */
function fillHistory(path: string): void {
  using database = new Database(path, { fullSync: false });
  database.transaction(() => {
    SERIES.forEach(([device, measurement, unit, wave], i) => {
      database.run(
        "INSERT INTO series (series, device, measurement, unit) VALUES (?, ?, ?, ?)",
        ...[i + 1, device, measurement, unit],
      );
      database.run(
        `INSERT INTO readings (series, at_us, number, item, value, flags)
         SELECT ?1, value ->> 0, key, 0, value ->> 1, 0 FROM json_each(?2)`,
        ...[i + 1, JSON.stringify(pointsOf(device, wave))],
      );
    });
    for (const [table, unitUs] of [["minutes", MINUTE_US], ["hours", 60 * MINUTE_US]] as const) {
      database.run(
        `INSERT INTO ${table} (series, bucket, count, sum, min, max, last, last_us)
         SELECT series, at_us / ${unitUs}, count(*), sum(value), min(value), max(value),
           max(value), max(at_us) FROM readings GROUP BY 1, 2`,
      );
    }
  }, { relaxed: true });
}

/** `[at, value]` for each minute; node2 was away for three hours yesterday. */
function pointsOf(device: string, wave: Wave): [atUs: number, value: number][] {
  const startUs = Date.now() * 1000 - MINUTES * MINUTE_US;
  const minutes = Array.from({ length: MINUTES }, (_, minute) => minute);
  return minutes.filter((minute) => device !== "node2" || minute < 42_300 || minute > 42_480)
    .map((minute) => {
      const noise = (minute * 7919 % 1009) / 1009 - 0.5;
      const value = wave({ minute, days: minute / 1440, noise });
      return [startUs + minute * MINUTE_US, Math.round(value * 100) / 100];
    });
}

/** A day of a camera, and two payloads that nobody understands. */
async function sendDay(gateway: GatewayProcess): Promise<void> {
  const topic = "devices/camera-1/prediction";
  const args = ["-h", "127.0.0.1", "-p", String(gateway.mqttPort), "-q", "1", "-t", topic, "-l"];
  await run("mosquitto_pub", { args, input: cameraDay(Date.now()).join("\n") + "\n" });
  for (const payload of ['{"kwh":12.4,"v":', '{"temperature":"warm"']) {
    await mosquittoPub(gateway.mqttPort, { topic: "devices/meter-9/telemetry", payload });
  }
}

/** One result in five minutes over 30 hours: somebody is there by day. */
function cameraDay(nowMs: number): string[] {
  return Array.from({ length: 360 }, (_, i) => {
    const ts = nowMs - (360 - i) * 300_000;
    const hour = new Date(ts).getUTCHours();
    const isThere = hour >= 7 && hour < 20 && (i * 7919) % 11 > 3;
    const score = (isThere ? 0.86 : 0.06) + ((i * 104_729) % 100) / 1000;
    const label = isThere ? "person" : "nobody";
    return JSON.stringify({ seq: i + 1, ts, label, score, avg: score, window: 5, model: "v1" });
  });
}
