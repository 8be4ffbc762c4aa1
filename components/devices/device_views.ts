/** What the pages of devices show, as plain data. */
import { formatValue, THIN_SPACE, unitSymbol } from "@/components/format.ts";
import type { SparklinePoint } from "@/components/Sparkline.tsx";
import type { DeviceSigns, DeviceStatus } from "@/model/device_status.ts";

/** A device as the list knows it before its values are read. */
export interface DeviceEntry {
  id: string;
  label: string;
  registered: boolean;
  disabled: boolean;
  /** The receiver that it comes through; null where it sends by itself. */
  via: string | null;
  signs: DeviceSigns;
  status: DeviceStatus;
}

export interface ShownValue {
  measurement: string;
  unit: string | null;
  value: number;
  /** Event time, ms since 1970. */
  atMs: number;
}

export interface ChartedValue extends ShownValue {
  points: SparklinePoint[];
}

export interface DeviceRow extends DeviceEntry {
  values: ChartedValue[];
  /** Charge and signal, where the device sends them. */
  health: ShownValue[];
  prediction: { label: string; score: number } | null;
  /** Devices whose packets this one receives. */
  receives: number;
  /** Values that are on the device's page only. */
  more: number;
}

/** `21.5 °C` */
export function withUnit(value: number, unit: string | null): string {
  const symbol = unitSymbol(unit);
  return symbol === "" ? formatValue(value) : `${formatValue(value)}${THIN_SPACE}${symbol}`;
}

export function devicePath(id: string, rest = ""): string {
  return `/devices/${encodeURIComponent(id)}${rest}`;
}
