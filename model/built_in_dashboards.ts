/** The dashboards that are there from the start, and the one that is made of what devices send. */
import type { Dashboard, Panel, PanelSeries, Threshold } from "@/model/dashboard.ts";

const TEMPERATURE: Threshold[] = [
  { tone: "ok" },
  { from: 30, tone: "warn" },
  { from: 35, tone: "bad" },
];

function stat(title: string, device: string, measurement: string): Panel {
  return {
    ...{ kind: "stat", title, width: 3, aggregation: "last" },
    series: [{ device, measurement }],
    thresholds: measurement === "temperature" ? TEMPERATURE : [],
  };
}

function history(title: string, measurement: string, devices: string[]): Panel {
  return {
    ...{ kind: "time_series", title, width: 6, aggregation: "mean" },
    series: devices.map((device) => ({ device, measurement })),
    thresholds: measurement === "temperature" ? TEMPERATURE : [],
  };
}

const ENVIRONMENT: Dashboard = {
  title: "Environmental sensors",
  panels: [
    stat("Node 1 temperature", "node1", "temperature"),
    stat("Node 1 humidity", "node1", "humidity"),
    stat("Node 2 temperature", "node2", "temperature"),
    stat("Node 2 humidity", "node2", "humidity"),
    { ...history("Temperature", "temperature", ["node1", "node2"]), width: 12 },
    history("Humidity", "humidity", ["node1", "node2"]),
    history("Gas resistance", "gas_resistance", ["node1"]),
  ],
};

const SIGNAL: Dashboard = {
  title: "Signal quality and statistics",
  panels: [
    {
      ...{ kind: "gauge", title: "RSSI", width: 4, aggregation: "last", min: -120, max: -20 },
      series: [{ device: "signal", measurement: "rssi" }],
      thresholds: [
        { tone: "bad" },
        { from: -80, tone: "warn" },
        { from: -60, tone: "ok" },
      ],
    },
    {
      ...{ kind: "time_series", title: "SNR", width: 8, aggregation: "mean" },
      series: [{ device: "signal", measurement: "snr" }],
      thresholds: [{ tone: "idle" }, { above: 10, tone: "ok", label: "excellent" }],
      note: "Above 10 dB is excellent",
    },
    {
      ...{ kind: "bar", title: "Packets received", width: 8, aggregation: "increase" },
      series: [{ device: "stats", measurement: "packets_received" }],
      thresholds: [],
      unit: "packets",
    },
    {
      ...{
        kind: "stat",
        title: "Error rate",
        width: 4,
        aggregation: "percentage",
        unit: "percent",
      },
      series: [{ device: "stats", measurement: "crc_errors", of: "packets_received" }],
      thresholds: [{ tone: "ok" }, { from: 5, tone: "warn" }, { above: 15, tone: "bad" }],
      note: "CRC errors per packet received, over the chosen range",
    },
  ],
};

export const ALL_DEVICES_ID = "all-devices";

/** In their order. */
export const BUILT_IN_DASHBOARDS: readonly { id: string; dashboard: Dashboard }[] = [
  { id: "environment", dashboard: ENVIRONMENT },
  { id: "signal", dashboard: SIGNAL },
];

/** The devices that a dashboard shows. */
export function devicesOf({ panels }: Dashboard): string[] {
  return [...new Set(panels.flatMap(({ series }) => series.map(({ device }) => device)))];
}

/** A measurement and some of the devices that send it. */
export interface MeasurementDevices {
  measurement: string;
  devices: string[];
  /** All of them. */
  total: number;
}

/** What fits on a page that loads fast on a phone. */
export const ALL_DEVICES_LIMITS = { panelsMax: 12, seriesMax: 8 };

/** One chart for each measurement over the devices that send it. */
export function allDevices(
  measurements: readonly MeasurementDevices[],
  titleOf: (measurement: string) => string,
): Dashboard {
  const { panelsMax, seriesMax } = ALL_DEVICES_LIMITS;
  const shown = measurements.slice(0, panelsMax);
  const left = measurements.length - shown.length;
  const panels = shown.map(({ measurement, devices, total }): Panel => {
    const series: PanelSeries[] = devices.slice(0, seriesMax)
      .map((device) => ({ device, measurement }));
    const more = total > series.length
      ? { note: `${series.length} of ${total} devices that send it` }
      : {};
    return {
      ...{ kind: "time_series", title: titleOf(measurement), width: 6, aggregation: "mean" },
      ...{ series, thresholds: [], ...more },
    };
  });
  const note = left > 0 ? { note: `${left} more measurements are left out` } : {};
  return { title: "All devices", ...note, panels };
}
