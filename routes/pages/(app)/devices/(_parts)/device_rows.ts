/** The list of devices: what is registered and whatever was heard. */
import type { ChartedValue, DeviceEntry, DeviceRow } from "@/components/devices/device_views.ts";
import { DEVICE_STATUSES, type DeviceStatus, deviceStatus } from "@/model/device_status.ts";
import type { PageServices } from "@/routes/page_services.ts";
import type { LatestReading, SteppedSeries } from "@/store/queries.ts";

/** One hour in steps of two minutes: as much as a small line can show. */
export const ROW_WINDOW_MS = 3_600_000;
const ROW_STEP_MINUTES = 2;
const VALUES_MAX = 2;

/** What people look for first. */
const FIRST = ["temperature", "humidity", "pressure", "co2", "power", "gas_resistance"];
const HEALTH = /battery|^rssi$|^snr$/i;

type Services = Pick<PageServices, "auth" | "deviceWatch" | "store">;

/** All devices by id. */
export function listDevices({ auth, deviceWatch }: Services, nowMs: number): DeviceEntry[] {
  const registered = new Map(auth.devices.list().map((each) => [each.id, each]));
  const ids = new Set([...registered.keys(), ...deviceWatch.heard]);
  return [...ids].sort(byCodeUnits).map((id) => {
    const entry = registered.get(id);
    const signs = deviceWatch.signs(id);
    const via = deviceWatch.via(id);
    return {
      via: via === id ? null : via,
      ...{ id, signs, status: deviceStatus(signs, nowMs) },
      ...{ label: entry?.label ?? "", disabled: entry?.disabled ?? false },
      registered: entry !== undefined,
    };
  });
}

/** Code units, so that a cursor's place does not depend on a locale. */
function byCodeUnits(a: DeviceEntry["id"], b: string): number {
  return a < b ? -1 : Number(a > b);
}

export function matches({ id, label }: DeviceEntry, search: string): boolean {
  const wanted = search.toLowerCase();
  return id.toLowerCase().includes(wanted) || label.toLowerCase().includes(wanted);
}

export function countByStatus(entries: readonly DeviceEntry[]): Record<DeviceStatus, number> {
  const counts = DEVICE_STATUSES.map((status) => {
    return [status, entries.filter((entry) => entry.status === status).length];
  });
  return Object.fromEntries(counts) as Record<DeviceStatus, number>;
}

/** Adds the newest values of a page of devices, in two questions to the store. */
export async function readRows(
  { store, deviceWatch }: Services,
  { entries, nowMs }: { entries: readonly DeviceEntry[]; nowMs: number },
): Promise<DeviceRow[]> {
  const latest = await store.query("readings.latest", { devices: entries.map(({ id }) => id) });
  const byDevice = Map.groupBy(latest, ({ device }) => device);
  const chosen = entries.map(({ id }) => choose(byDevice.get(id) ?? []));
  const stepped = await store.query("readings.steps", {
    series: chosen.flatMap(({ values }) => values),
    fromUs: (nowMs - ROW_WINDOW_MS) * 1000,
    toUs: nowMs * 1000 + 1,
    stepMinutes: ROW_STEP_MINUTES,
  });
  const predictions = await Promise.all(entries.map(async ({ id }, i) => {
    const sendsValues = chosen[i]!.values.length > 0;
    return sendsValues
      ? null
      : (await store.query("predictions.latest", { device: id }))[0] ?? null;
  }));
  const received = countReceived(deviceWatch);
  return entries.map((entry, i) => ({
    ...rowOf(entry, { ...chosen[i]!, stepped }),
    prediction: predictions[i] ?? null,
    receives: received.get(entry.id) ?? 0,
  }));
}

/** How many devices come through each receiver. */
function countReceived(watch: PageServices["deviceWatch"]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of watch.heard) {
    const receiver = watch.via(id);
    if (receiver === null || receiver === id) continue;
    counts.set(receiver, (counts.get(receiver) ?? 0) + 1);
  }
  return counts;
}

interface Chosen {
  values: LatestReading[];
  health: LatestReading[];
  more: number;
}

/** Charge and signal stand apart, unless the device sends nothing else. */
function choose(latest: readonly LatestReading[]): Chosen {
  const others = latest.filter(({ measurement }) => !HEALTH.test(measurement));
  const [shown, signs] = others.length === 0
    ? [latest, []]
    : [others, latest.filter(({ measurement }) => HEALTH.test(measurement))];
  const sorted = shown.toSorted((a, b) => rank(a.measurement) - rank(b.measurement));
  const health = signs.filter(({ unit }) => unit !== null).slice(0, VALUES_MAX);
  return {
    values: sorted.slice(0, VALUES_MAX),
    ...{ health, more: latest.length - Math.min(VALUES_MAX, sorted.length) - health.length },
  };
}

export function rank(measurement: string): number {
  const place = FIRST.indexOf(measurement);
  return place < 0 ? FIRST.length : place;
}

function rowOf(
  entry: DeviceEntry,
  { values, health, more, stepped }: Chosen & { stepped: readonly SteppedSeries[] },
): Omit<DeviceRow, "prediction" | "receives"> {
  const charted = values.map((value): ChartedValue => {
    const steps = stepped.find(({ device, measurement }) =>
      device === value.device && measurement === value.measurement
    )?.steps ?? [];
    const points = steps.map((step) => ({ atMs: step.atUs / 1000, value: step.value }));
    return { ...shownOf(value), points };
  });
  return { ...entry, values: charted, health: health.map(shownOf), more };
}

export function shownOf({ measurement, unit, value, atUs }: LatestReading) {
  return { measurement, unit, value, atMs: atUs / 1000 };
}
