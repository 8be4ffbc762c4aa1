/**
 * The two dashboards of the web page for Grafana, from one description, once for InfluxDB (Flux) and
 * once for PostgreSQL. Written to deploy/grafana/dashboards by `deno task generate`.
 */

type Backend = "influxdb" | "postgresql";

export const BACKENDS: Backend[] = ["influxdb", "postgresql"];

/** What a panel shows; the queries of both backends follow from it. */
type Query =
  | { kind: "now"; device: string; measurement: string }
  | { kind: "history"; devices: string[]; measurement: string }
  | { kind: "increase"; device: string; measurement: string }
  | { kind: "percentage"; device: string; part: string; whole: string };

interface Panel {
  title: string;
  view: "stat" | "gauge" | "timeseries";
  query: Query;
  /** Grafana's name of the unit. */
  unit: string;
  /** Colour from a value on; the first has null. */
  thresholds?: [color: string, from: number | null][];
  min?: number;
  max?: number;
  /** Of 24 columns. */
  width: number;
}

interface Dashboard {
  name: string;
  title: string;
  panels: Panel[];
}

const TEMPERATURE: Panel["thresholds"] = [["green", null], ["yellow", 30], ["red", 35]];

function now(title: string, query: { device: string; measurement: string }): Panel {
  const isTemperature = query.measurement === "temperature";
  return {
    title,
    view: "stat",
    query: { kind: "now", ...query },
    unit: isTemperature ? "celsius" : "humidity",
    thresholds: isTemperature ? TEMPERATURE : undefined,
    width: 6,
  };
}

function history(title: string, measurement: string, unit: string): Panel {
  const devices = measurement === "gas_resistance" ? ["node1"] : ["node1", "node2"];
  const query: Query = { kind: "history", devices, measurement };
  return { title, view: "timeseries", query, unit, width: 24 };
}

export const DASHBOARDS: Dashboard[] = [
  {
    name: "environment",
    title: "Environmental sensors",
    panels: [
      now("Node 1 temperature", { device: "node1", measurement: "temperature" }),
      now("Node 1 humidity", { device: "node1", measurement: "humidity" }),
      now("Node 2 temperature", { device: "node2", measurement: "temperature" }),
      now("Node 2 humidity", { device: "node2", measurement: "humidity" }),
      history("Temperature", "temperature", "celsius"),
      history("Humidity", "humidity", "humidity"),
      history("Gas resistance", "gas_resistance", "ohm"),
    ],
  },
  {
    name: "signal",
    title: "Signal quality and statistics",
    panels: [
      {
        title: "RSSI",
        view: "gauge",
        query: { kind: "now", device: "signal", measurement: "rssi" },
        unit: "dBm",
        thresholds: [["red", null], ["yellow", -80], ["green", -60]],
        ...{ min: -120, max: 0, width: 8 },
      },
      {
        title: "Packets received",
        view: "stat",
        query: { kind: "increase", device: "stats", measurement: "packets_received" },
        ...{ unit: "short", width: 8 },
      },
      {
        title: "Error rate",
        view: "stat",
        query: {
          kind: "percentage",
          ...{ device: "stats", part: "crc_errors", whole: "packets_received" },
        },
        unit: "percent",
        thresholds: [["green", null], ["yellow", 5], ["red", 15]],
        ...{ min: 0, width: 8 },
      },
      {
        title: "SNR (above 10 dB is excellent)",
        view: "timeseries",
        query: { kind: "history", devices: ["signal"], measurement: "snr" },
        unit: "dB",
        thresholds: [["transparent", null], ["green", 10]],
        width: 24,
      },
    ],
  },
];

/** SQL with Grafana's macros; `readings` is the gateway's table. */
export function sqlOf(query: Query): string {
  const from = "FROM readings WHERE $__timeFilter(at)";
  switch (query.kind) {
    case "now":
      return `SELECT at AS time, value ${from} AND device = '${query.device}' ` +
        `AND measurement = '${query.measurement}' ORDER BY at DESC LIMIT 1`;
    case "history":
      return `SELECT $__timeGroupAlias(at, $__interval), device AS metric, avg(value) AS value ` +
        `${from} AND device IN (${query.devices.map((name) => `'${name}'`).join(", ")}) ` +
        `AND measurement = '${query.measurement}' GROUP BY 1, 2 ORDER BY 1`;
    case "increase":
      return `${steps(query.device, [query.measurement])} ` +
        "SELECT now() AS time, coalesce(sum(step), 0) AS value FROM steps";
    case "percentage":
      return `${steps(query.device, [query.part, query.whole])} SELECT now() AS time, ` +
        `coalesce(100 * sum(step) FILTER (WHERE measurement = '${query.part}') / ` +
        `nullif(sum(step) FILTER (WHERE measurement = '${query.whole}'), 0), 0) AS value FROM steps`;
  }
}

/** How much a counter grew from row to row; after a restart it begins at 0 again. */
function steps(device: string, measurements: string[]): string {
  const names = measurements.map((name) => `'${name}'`).join(", ");
  return "WITH steps AS (SELECT measurement, CASE WHEN lag(value) OVER w IS NULL THEN 0 " +
    "WHEN value < lag(value) OVER w THEN value ELSE value - lag(value) OVER w END AS step " +
    `FROM readings WHERE $__timeFilter(at) AND device = '${device}' ` +
    `AND measurement IN (${names}) WINDOW w AS (PARTITION BY measurement ORDER BY at))`;
}

export function fluxOf(query: Query): string {
  switch (query.kind) {
    case "now":
      return `${flux([query.measurement], [query.device])}\n  |> last()`;
    case "history":
      return `${flux([query.measurement], query.devices)}
  |> aggregateWindow(every: v.windowPeriod, fn: mean, createEmpty: false)
  |> keep(columns: ["_time", "_value", "node"])`;
    case "increase":
      return `${flux([query.measurement], [query.device])}\n  |> increase()\n  |> last()`;
    case "percentage":
      return `${flux([query.part, query.whole], [query.device])}
  |> increase()
  |> last()
  |> group()
  |> pivot(rowKey: ["node"], columnKey: ["_measurement"], valueColumn: "_value")
  |> map(fn: (r) => ({
    _time: v.timeRangeStop,
    _value: if r.${query.whole} > 0.0 then 100.0 * r.${query.part} / r.${query.whole} else 0.0,
  }))`;
  }
}

function flux(measurements: string[], devices: string[]): string {
  const any = (tag: string, names: string[]) =>
    names.map((name) => `r.${tag} == "${name}"`).join(" or ");
  return `from(bucket: v.defaultBucket)
  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
  |> filter(fn: (r) => ${any("_measurement", measurements)})
  |> filter(fn: (r) => r._field == "value" and (${any("node", devices)}))`;
}

const SOURCES = {
  influxdb: { type: "influxdb", uid: "sluice-influxdb" },
  postgresql: { type: "grafana-postgresql-datasource", uid: "sluice-postgresql" },
};

function target(query: Query, backend: Backend): Record<string, unknown> {
  const common = { refId: "A", datasource: SOURCES[backend] };
  if (backend === "influxdb") return { ...common, query: fluxOf(query) };
  const format = query.kind === "history" ? "time_series" : "table";
  return { ...common, format, rawQuery: true, editorMode: "code", rawSql: sqlOf(query) };
}

function fieldConfig(panel: Panel): Record<string, unknown> {
  const { unit, min, max, thresholds = [["green", null]] } = panel;
  const lines = panel.view === "timeseries" && panel.thresholds !== undefined;
  return {
    defaults: {
      ...{ unit, min, max },
      thresholds: {
        mode: "absolute",
        steps: thresholds.map(([color, value]) => ({ color, value })),
      },
      custom: panel.view !== "timeseries" ? undefined : {
        // A gap in the data is a gap in the line.
        spanNulls: false,
        thresholdsStyle: { mode: lines ? "area" : "off" },
      },
    },
    overrides: [],
  };
}

/** Panels side by side, from left to right and down. */
function grid(panels: Panel[]): { x: number; y: number; w: number; h: number }[] {
  let [x, y] = [0, 0];
  return panels.map(({ width }) => {
    if (x + width > 24) [x, y] = [0, y + 8];
    const place = { x, y, w: width, h: 8 };
    x += width;
    return place;
  });
}

/** The text of one dashboard's file. */
export function grafanaDashboard({ name, title, panels }: Dashboard, backend: Backend): string {
  const places = grid(panels);
  const dashboard = {
    uid: `sluice-${name}-${backend}`,
    title: `${title} (${backend === "influxdb" ? "InfluxDB" : "PostgreSQL"})`,
    tags: ["sluice"],
    ...{ schemaVersion: 39, version: 1, editable: true, graphTooltip: 1, liveNow: true },
    time: { from: "now-6h", to: "now" },
    refresh: "10s",
    timepicker: { refresh_intervals: ["5s", "10s", "30s"] },
    panels: panels.map((panel, i) => ({
      ...{ id: i + 1, title: panel.title, type: panel.view, gridPos: places[i] },
      datasource: SOURCES[backend],
      fieldConfig: fieldConfig(panel),
      options: panel.view === "timeseries" ? { tooltip: { mode: "multi" } } : {
        reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
      },
      targets: [target(panel.query, backend)],
    })),
  };
  return JSON.stringify(dashboard, null, 2) + "\n";
}

/** Every file, with its path in the repository. */
export const GRAFANA_FILES = DASHBOARDS.flatMap((dashboard) =>
  BACKENDS.map((backend) => ({
    path: `deploy/grafana/dashboards/${dashboard.name}_${backend}.json`,
    make: () => grafanaDashboard(dashboard, backend),
  }))
);
