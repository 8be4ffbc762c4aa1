/**
 * Decoded content to readings, predictions and attributes. A pure function of the log's row and the
 * rules, so that every copy of a message carries the same names, units, times and flags.
 */
import type { Decoded, DecodedValue } from "@/model/decoded.ts";
import { EARLIEST_EVENT_US, FUTURE_TOLERANCE_US } from "@/model/event_time.ts";
import type { Instant } from "@/model/message.ts";
import type { Flag, Normalized, Reading } from "@/model/reading.ts";
import type { NormalizeRules } from "@/model/rules.ts";
import { isSameUnit, wellKnownUnit } from "@/model/unit.ts";

/** What the log's row says about a message, besides its content. */
export interface NormalizeContext {
  /** Reception, µs since 1970. */
  receivedUs: number;
  clockUntrusted: boolean;
  /** The nodes of this LoRa packet carry their receiver's id: `N3-node1`. */
  prefixed: boolean;
  /** The sending device or receiver. */
  sender: string;
}

/** Rules without any setting. */
export const DEFAULT_RULES: NormalizeRules = {
  plausible: { pressure: [300, 1100], temperature: [-40, 85], humidity: [0, 100] },
  units: {},
  deviceUnits: {},
  receivers: {},
  lateAfterMs: 300_000,
};

/** Applies event time, flags, units and names. */
export function normalize(
  decoded: Decoded,
  context: NormalizeContext,
  rules: NormalizeRules,
): Normalized {
  const { at, flags } = eventTime(decoded.sentAt, context, rules);
  return {
    readings: decoded.values.map((value) => {
      const device = deviceName(decoded, value.device, { context, rules });
      return readingOf(value, { device, at, flags, rules });
    }),
    predictions: decoded.predictions.map((prediction) => ({
      device: decoded.device,
      ...prediction,
      at,
      flags: flags.slice(),
    })),
    attributes: decoded.attributes.map(({ device, name, value }) => ({ device, name, value, at })),
    tags: decoded.tags,
  };
}

/** Event time and the flags that follow from it, in the order of FLAGS. */
function eventTime(
  sentAt: Instant | null,
  context: NormalizeContext,
  rules: NormalizeRules,
): { at: Instant; flags: Flag[] } {
  const { receivedUs, clockUntrusted } = context;
  const reception = { us: receivedUs, ns: 0 };
  const flags: Flag[] = clockUntrusted ? ["clock_untrusted"] : [];
  if (sentAt === null) return { at: reception, flags };
  if (sentAt.us < EARLIEST_EVENT_US) return { at: reception, flags: ["ts_past", ...flags] };
  if (isFuture(sentAt, receivedUs)) return { at: sentAt, flags: ["ts_future", ...flags] };
  if (receivedUs - sentAt.us > rules.lateAfterMs * 1000) flags.push("late");
  return { at: sentAt, flags };
}

/** A reception before 2020 says nothing: there the gateway's clock, not the device's, is wrong. */
function isFuture(sentAt: Instant, receivedUs: number): boolean {
  return receivedUs >= EARLIEST_EVENT_US && sentAt.us - receivedUs > FUTURE_TOLERANCE_US;
}

/**
 * The node of a LoRa packet has a name of its own: the one configured for it, or its plain one,
 * behind the receiver's id unless the receiver is the store's first.
 */
function deviceName(
  decoded: Decoded,
  node: string,
  { context, rules }: { context: NormalizeContext; rules: NormalizeRules },
): string {
  if (node === decoded.device) return node;
  const configured = own(own(rules.receivers, context.sender), node);
  return configured ?? (context.prefixed ? `${context.sender}-${node}` : node);
}

function readingOf(
  decoded: DecodedValue,
  { device, at, flags, rules }: {
    device: string;
    at: Instant;
    flags: Flag[];
    rules: NormalizeRules;
  },
): Reading {
  const { measurement, value } = decoded;
  const common = own(rules.units, measurement) ?? wellKnownUnit(measurement);
  const unit = decoded.unit ?? own(own(rules.deviceUnits, device), measurement) ?? common;
  // the interval is in the common unit; 100 °F is no implausible temperature
  const comparable = unit === common ||
    (unit !== null && common !== null && isSameUnit(unit, common));
  const implausible = comparable && !isPlausible(value, own(rules.plausible, measurement));
  return {
    device,
    measurement,
    value,
    unit,
    at,
    flags: implausible ? ["implausible", ...flags] : flags.slice(),
  };
}

function isPlausible(value: number, interval: [min: number, max: number] | undefined): boolean {
  return interval === undefined || (value >= interval[0] && value <= interval[1]);
}

/** Looks a name from outside up in a record: `constructor` is not found by accident. */
function own<T>(record: Record<string, T> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}
