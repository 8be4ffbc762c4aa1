/** The dashboards for Grafana: complete, joined to their data sources, and their SQL run for real. */
import assert from "node:assert/strict";
import { MIGRATIONS } from "@/forward/postgres_schema.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { type ComposeFile, readYaml } from "@/tests/release/deploy_files.ts";
import { BACKENDS, DASHBOARDS, GRAFANA_FILES, sqlOf } from "@/tools/grafana_dashboards.ts";

interface GrafanaPanel {
  title: string;
  type: string;
  datasource: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: { defaults: { thresholds: { steps: { color: string; value: number | null }[] } } };
  targets: { query?: string; rawSql?: string }[];
}

interface GrafanaFile {
  uid: string;
  refresh: string;
  timepicker: { refresh_intervals: string[] };
  panels: GrafanaPanel[];
}

const files = GRAFANA_FILES.map(({ make }) => JSON.parse(make()) as GrafanaFile);

function panelNamed(title: string): GrafanaPanel {
  return files.flatMap(({ panels }) => panels).find((panel) => panel.title === title)!;
}

Deno.test("both dashboards have all their panels for both databases", () => {
  assert.equal(files.length, 2 * BACKENDS.length);
  assert.equal(new Set(files.map(({ uid }) => uid)).size, files.length);
  assert.deepEqual(files.map(({ panels }) => panels.length), [7, 7, 4, 4]);
  for (const { timepicker } of files) {
    assert.deepEqual(timepicker.refresh_intervals, ["5s", "10s", "30s"]);
  }
});

Deno.test("no two panels of a dashboard cover the same place", () => {
  for (const { panels } of files) {
    const taken = new Set<string>();
    for (const { gridPos: { x, y, w, h }, title } of panels) {
      assert.ok(x + w <= 24, title);
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          assert.ok(!taken.has(`${column} ${row}`), title);
          taken.add(`${column} ${row}`);
        }
      }
    }
  }
});

Deno.test("colours change where the alerts and the pages change", () => {
  const steps = (title: string) =>
    panelNamed(title).fieldConfig.defaults.thresholds.steps.map(({ color, value }) => [
      color,
      value,
    ]);
  const temperature = [["green", null], ["yellow", 30], ["red", 35]];
  assert.deepEqual(steps("Node 1 temperature"), temperature);
  assert.deepEqual(steps("Node 2 temperature"), temperature);
  assert.deepEqual(steps("RSSI"), [["red", null], ["yellow", -80], ["green", -60]]);
});

Deno.test("every panel asks a data source that is provisioned at a service of compose", async () => {
  const { datasources } = await readYaml<
    { datasources: { uid: string; type: string; url: string }[] }
  >("deploy/grafana/provisioning/datasources/sluice.yaml");
  const { services } = await readYaml<ComposeFile>("deploy/compose.yaml");
  for (const { url } of datasources) {
    const host = new URL(url.includes("://") ? url : `tcp://${url}`).hostname;
    assert.ok(host in services, url);
  }
  for (const { datasource, title } of files.flatMap(({ panels }) => panels)) {
    const found = datasources.find(({ uid }) => uid === datasource.uid);
    assert.equal(found?.type, datasource.type, title);
  }
});

Deno.test("the provisioned folder is where compose mounts the dashboards", async () => {
  const { providers } = await readYaml<{ providers: { options: { path: string } }[] }>(
    "deploy/grafana/provisioning/dashboards/sluice.yaml",
  );
  const { services } = await readYaml<ComposeFile>("deploy/compose.yaml");
  const mounted = services.grafana!.volumes!.map((volume) => volume.split(":")[1]);
  for (const { options } of providers) assert.ok(mounted.includes(options.path));
});

/** Grafana's macros, for the last hour in steps of a minute. */
function expand(sql: string): string {
  return sql
    .replaceAll(/\$__timeFilter\((\w+)\)/g, "$1 BETWEEN now() - interval '1 hour' AND now()")
    .replaceAll(
      /\$__timeGroupAlias\((\w+), \$__interval\)/g,
      'floor(extract(epoch FROM $1) / 60) * 60 AS "time"',
    );
}

/** Device, measurement, minutes ago, value. */
type Row = [device: string, measurement: string, minutesAgo: number, value: number];

function insert(rows: Row[]): string {
  const values = rows.map(([device, measurement, minutes, value], i) =>
    `('m${i}', 0, '${device}', '${measurement}', now() - interval '${minutes} min', ${value})`
  );
  return "INSERT INTO readings (message_id, item, device, measurement, at, value) VALUES " +
    values.join(", ");
}

Deno.test("the SQL answers with the right numbers", async () => {
  await using server = await PostgresServer.start();
  await server.execute(MIGRATIONS.join("\n"));
  await server.execute(insert([
    ...[["node1", "temperature", 90, 99], ["node1", "temperature", 30, 20]] as Row[],
    ...[["node1", "temperature", 1, 30], ["node2", "temperature", 30, 10]] as Row[],
    ...[["signal", "rssi", 2, -70], ["signal", "snr", 2, 12]] as Row[],
    // 100 → 110, restart, 0 → 4, 8: 18 packets; 3 → 5, restart, 1: 3 errors.
    ...[100, 110, 0, 4, 8].map((n, i): Row => ["stats", "packets_received", 50 - i, n]),
    ...[3, 5, 0, 0, 1].map((n, i): Row => ["stats", "crc_errors", 50 - i, n]),
  ]));
  const ask = async (title: string) => {
    const panel = DASHBOARDS.flatMap(({ panels }) => panels).find((p) => p.title === title)!;
    return await server.query<{ value: number; metric?: string }>(expand(sqlOf(panel.query)));
  };
  const value = async (title: string) => Number((await ask(title))[0]!.value);
  assert.equal(await value("Node 1 temperature"), 30);
  assert.equal(await value("Node 2 temperature"), 10);
  assert.equal(await value("RSSI"), -70);
  assert.equal(await value("Packets received"), 18);
  assert.equal((await value("Error rate")).toFixed(3), (100 * 3 / 18).toFixed(3));
  assert.deepEqual(
    (await ask("Temperature")).map((row) => [row.metric, Number(row.value)]).sort(),
    [["node1", 20], ["node1", 30], ["node2", 10]],
  );
  assert.deepEqual(await ask("Gas resistance"), []);

  await server.execute("DELETE FROM readings");
  assert.equal(await value("Error rate"), 0, "no packets are no errors");
  assert.equal(await value("Packets received"), 0);
});

Deno.test("Flux names the measurements and nodes that the gateway writes", () => {
  const flux = files.flatMap(({ panels }) => panels.flatMap(({ targets }) => targets))
    .flatMap(({ query }) => query === undefined ? [] : [query]).join("\n");
  const names = (pattern: RegExp) =>
    [...new Set(Array.from(flux.matchAll(pattern), (match) => match[1]))].sort();
  assert.deepEqual(names(/r\._measurement == "(\w+)"/g), [
    ...["crc_errors", "gas_resistance", "humidity", "packets_received"],
    ...["rssi", "snr", "temperature"],
  ]);
  assert.deepEqual(names(/r\.node == "(\w+)"/g), ["node1", "node2", "signal", "stats"]);
});
