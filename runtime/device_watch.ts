/**
 * Hears every accepted message and keeps of each device what its status is derived from
 * (model/device_status.ts). In memory and bounded: after a start it is filled from the list of
 * devices and the end of the log.
 */
import {
  canStick,
  DEVICE_STATUSES,
  type DeviceSigns,
  type DeviceStatus,
  deviceStatus,
  offlineAfterMs,
  STUCK_RESULTS,
  type StuckValue,
  typicalInterval,
} from "@/model/device_status.ts";
import type { LiveMessage } from "@/model/live.ts";
import type { DeviceSeen } from "@/store/queries.ts";

/** More than may be registered; what is beyond is known to the store's lists only. */
const DEVICES_MAX = 20_000;
const INTERVALS_MAX = 16;
/** Measurements of one device whose runs are counted, as many as one message may hold. */
const RUNS_MAX = 64;
/** Messages closer than this are one burst: a device that sends a topic for each sensor. */
const BURST_US = 1_000_000;
const SCORE = "";

interface Run {
  value: number;
  results: number;
  atUs: number;
}

/** What is known of one device. */
class Pulse {
  lastUs: number;
  /** Sender that it came through last. */
  via: string;
  /** Mean interval over its life, from the store; null while unknown. */
  lifeIntervalMs: number | null = null;
  readonly #runs = new Map<string, Run>();
  readonly #intervalsMs: number[] = [];
  #place = 0;
  #burstUs: number | null = null;
  #typicalMs: number | null = null;

  constructor(lastUs: number, via: string) {
    this.lastUs = lastUs;
    this.via = via;
  }

  beat(atUs: number, via: string): void {
    this.lastUs = Math.max(this.lastUs, atUs);
    this.via = via;
    if (this.#burstUs !== null && atUs - this.#burstUs < BURST_US) return;
    if (this.#burstUs !== null) {
      this.#intervalsMs[this.#place++ % INTERVALS_MAX] = (atUs - this.#burstUs) / 1000;
      this.#typicalMs = null;
    }
    this.#burstUs = atUs;
  }

  repeat(name: string, { value, atUs }: { value: number; atUs: number }): void {
    const run = this.#runs.get(name);
    if (run !== undefined) {
      run.results = Object.is(run.value, value) ? run.results + 1 : 1;
      run.value = value;
      run.atUs = atUs;
    } else if (this.#runs.size < RUNS_MAX) this.#runs.set(name, { value, results: 1, atUs });
  }

  /** A value that may repeat without meaning anything ends the run before it. */
  endRun(name: string): void {
    this.#runs.delete(name);
  }

  get signs(): DeviceSigns {
    this.#typicalMs ??= typicalInterval(this.#intervalsMs);
    const typicalIntervalMs = this.#typicalMs ?? this.lifeIntervalMs;
    return { lastSeenMs: this.lastUs / 1000, typicalIntervalMs, stuck: this.#stuck() };
  }

  /** A run that ended because its value is not sent any more says nothing about now. */
  #stuck(): StuckValue[] {
    const sinceUs = this.lastUs - offlineAfterMs(this.#typicalMs ?? this.lifeIntervalMs) * 1000;
    const stuck: StuckValue[] = [];
    for (const [name, { value, results, atUs }] of this.#runs) {
      if (results < STUCK_RESULTS || atUs < sinceUs) continue;
      stuck.push({ measurement: name === SCORE ? null : name, value, results });
    }
    return stuck.sort((a, b) => b.results - a.results);
  }
}

export class DeviceWatch {
  readonly #pulses = new Map<string, Pulse>();

  /** Ids of all devices that were ever heard, in no order. */
  get heard(): string[] {
    return [...this.#pulses.keys()];
  }

  get hasRoom(): boolean {
    return this.#pulses.size < DEVICES_MAX;
  }

  /** What the store knows of devices from before the start. */
  remember(devices: readonly DeviceSeen[]): void {
    for (const { device, via, firstSeenUs, lastSeenUs, messages } of devices) {
      const pulse = this.#pulse(device, { atUs: lastSeenUs, via });
      if (pulse === null || messages < 3) continue;
      pulse.lifeIntervalMs = (lastSeenUs - firstSeenUs) / 1000 / (messages - 1);
    }
  }

  /** One message, in the order of the log. */
  hear({ message, normalized }: Pick<LiveMessage, "message" | "normalized">): void {
    const { device: sender, receivedUs: atUs } = message;
    const heard = [sender];
    const seen = { atUs, via: sender };
    this.#pulse(sender, seen)?.beat(atUs, sender);
    const pulseOf = (device: string) => {
      const pulse = this.#pulse(device, seen);
      if (!heard.includes(device)) {
        heard.push(device);
        pulse?.beat(atUs, sender);
      }
      return pulse;
    };
    for (const reading of normalized.readings) {
      const { device, measurement, value } = reading;
      const pulse = pulseOf(device);
      if (canStick(reading)) pulse?.repeat(measurement, { value, atUs });
      else pulse?.endRun(measurement);
    }
    for (const { device, score } of normalized.predictions) {
      pulseOf(device)?.repeat(SCORE, { value: score, atUs });
    }
  }

  /** Of a device that was never heard: nothing. */
  signs(device: string): DeviceSigns {
    return this.#pulses.get(device)?.signs ??
      { lastSeenMs: null, typicalIntervalMs: null, stuck: [] };
  }

  /** The sender that it came through last: itself, or a receiver; null for one never heard. */
  via(device: string): string | null {
    return this.#pulses.get(device)?.via ?? null;
  }

  /** Devices that were heard, by status. */
  counts(nowMs: number): Record<DeviceStatus, number> {
    const counts = Object.fromEntries(DEVICE_STATUSES.map((status) => [status, 0])) as Record<
      DeviceStatus,
      number
    >;
    for (const pulse of this.#pulses.values()) counts[deviceStatus(pulse.signs, nowMs)]++;
    return counts;
  }

  #pulse(device: string, { atUs, via }: { atUs: number; via: string }): Pulse | null {
    const known = this.#pulses.get(device);
    if (known !== undefined) return known;
    if (this.#pulses.size >= DEVICES_MAX) return null;
    const pulse = new Pulse(atUs, via);
    this.#pulses.set(device, pulse);
    return pulse;
  }
}
