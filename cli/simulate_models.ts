/**
 * Models of devices: pure functions of time and of random numbers, the same for the same seed.
 *
 * Sensors follow the sun with noise on it, a LoRa receiver sends the packets of its two nodes, a camera
 * tells whether somebody is there, and one device is flaky: it falls silent, repeats itself and sends
 * what no decoder takes.
 */

/** A number in 0…1, as `Math.random`. */
export type Random = () => number;

export interface SimulatedMessage {
  topic: string;
  payload: string;
}

export interface DeviceModel {
  /** Also its MQTT client id, with a prefix. */
  readonly id: string;
  /** What it sends at this time (ms since 1970); nothing while it is silent. */
  next(atMs: number): SimulatedMessage[];
}

const DAY_MS = 86_400_000;
const LORA_TICK_MS = 500;

/** A generator of random numbers that gives the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A fleet of `devices`: first a sensor, a receiver, a camera and a flaky device, then sensors only, so
 * that a small fleet already shows everything.
 */
export function createFleet(options: { devices: number; random: Random }): DeviceModel[] {
  const { random } = options;
  return Array.from({ length: options.devices }, (_, i) => {
    if (i === 1) return new ReceiverModel("N2", random);
    if (i === 2) return new CameraModel("camera-1", random);
    if (i === 3) return new FlakyModel(new SensorModel("flaky-1", random), random);
    const number = i === 0 ? 1 : i - 2;
    return new SensorModel(`sensor-${String(number).padStart(3, "0")}`, random);
  });
}

/** Warmest at three in the afternoon, coldest twelve hours earlier; −1…1. */
export function sunCurve(atMs: number): number {
  const dayPart = (atMs % DAY_MS) / DAY_MS;
  return Math.sin((dayPart - 9 / 24) * 2 * Math.PI);
}

/**
 * The climate at one place: temperature and humidity mirror each other. The emulated boards of the
 * test suite measure the same one.
 */
export class Climate {
  readonly #random: Random;
  readonly #mean: number;
  #drift = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#mean = 19 + random() * 5;
  }

  at(atMs: number): { temperature: number; humidity: number } {
    this.#drift = clamp(this.#drift * 0.98 + (this.#random() - 0.5) * 0.2, -2, 2);
    const temperature = this.#mean + 4 * sunCurve(atMs) + this.#drift;
    const humidity = clamp(95 - 2 * temperature + (this.#random() - 0.5) * 2, 15, 95);
    return { temperature: round(temperature, 1), humidity: round(humidity, 1) };
  }
}

/** Temperature, humidity, pressure and a battery, as one JSON object a message. */
class SensorModel implements DeviceModel {
  readonly id: string;
  readonly #random: Random;
  readonly #climate: Climate;
  #seq = 0;
  #battery = 100;
  #pressure: number;

  constructor(id: string, random: Random) {
    this.id = id;
    this.#random = random;
    this.#climate = new Climate(random);
    this.#pressure = 1000 + random() * 25;
  }

  next(atMs: number): SimulatedMessage[] {
    this.#battery = Math.max(5, this.#battery - this.#random() * 0.01);
    this.#pressure = clamp(this.#pressure + (this.#random() - 0.5) * 0.1, 960, 1045);
    const values = {
      ...this.#climate.at(atMs),
      pressure: round(this.#pressure, 2),
      battery: round(this.#battery, 1),
    };
    const payload = JSON.stringify({ ts: Math.round(atMs), seq: ++this.#seq, values });
    return [{ topic: `devices/${this.id}/telemetry`, payload }];
  }
}

/** A receiver board with a remote node and a sensor of its own: the LoRa packet. */
export class ReceiverModel implements DeviceModel {
  readonly id: string;
  readonly #random: Random;
  readonly #remote: Climate;
  readonly #own: Climate;
  #bootedMs: number | null = null;
  #received = 0;
  #errors = 0;

  constructor(id: string, random: Random) {
    this.id = id;
    this.#random = random;
    this.#remote = new Climate(random);
    this.#own = new Climate(random);
  }

  next(atMs: number): SimulatedMessage[] {
    this.#bootedMs ??= atMs;
    this.#received++;
    if (this.#random() < 0.01) this.#errors++;
    const node1 = this.#remote.at(atMs);
    const node2 = this.#own.at(atMs);
    const upMs = Math.round((atMs - this.#bootedMs) / LORA_TICK_MS) * LORA_TICK_MS;
    const packet = {
      // An u32 of milliseconds: it wraps after 49.7 days.
      ts: upMs % 2 ** 32,
      id: this.id,
      n1: {
        t: node1.temperature,
        h: node1.humidity,
        g: Math.round(90_000 + 30_000 * this.#random()),
      },
      n2: { t: node2.temperature, h: node2.humidity },
      sig: { rssi: Math.round(-70 - 30 * this.#random()), snr: Math.round(12 * this.#random()) },
      sts: { rx: this.#received, err: this.#errors },
    };
    return [{ topic: `gateways/${this.id}/packet`, payload: JSON.stringify(packet) }];
  }
}

/** Mean of this many scores goes out beside the newest one. */
const SCORE_WINDOW = 5;

/** A camera with a network on it: somebody is there mostly by day, for minutes at a time. */
class CameraModel implements DeviceModel {
  readonly id: string;
  readonly #random: Random;
  #seq = 0;
  #present = false;
  readonly #scores: number[] = [];

  constructor(id: string, random: Random) {
    this.id = id;
    this.#random = random;
  }

  next(atMs: number): SimulatedMessage[] {
    const byDay = sunCurve(atMs) > -0.5;
    const change = this.#present ? 0.03 : byDay ? 0.05 : 0.005;
    if (this.#random() < change) this.#present = !this.#present;
    const distance = this.#random() ** 2 * 0.3;
    const score = round(this.#present ? 1 - distance : distance, 3);
    this.#scores.push(score);
    if (this.#scores.length > SCORE_WINDOW) this.#scores.shift();
    const avg = this.#scores.reduce((sum, item) => sum + item, 0) / this.#scores.length;
    const payload = JSON.stringify({
      seq: ++this.#seq,
      ts: Math.round(atMs),
      label: score >= 0.5 ? "person" : "nobody",
      score,
      avg: round(avg, 3),
      window: SCORE_WINDOW,
      model: "silhouette-v1",
      debug: { us: Math.round(3400 + 300 * this.#random()), heap: 1234 },
    });
    return [{ topic: `devices/${this.id}/prediction`, payload }];
  }
}

/** What broken firmware sends. */
const BROKEN_PAYLOADS = ["", "{", '{"values":{"temperature":NaN}}', '{"values":[1,2', "\u{fffd}"];

/** A device with a loose contact. */
class FlakyModel implements DeviceModel {
  readonly id: string;
  readonly #model: DeviceModel;
  readonly #random: Random;
  #silentFor = 0;
  #last: SimulatedMessage[] = [];

  constructor(model: DeviceModel, random: Random) {
    this.id = model.id;
    this.#model = model;
    this.#random = random;
  }

  next(atMs: number): SimulatedMessage[] {
    if (this.#silentFor > 0) {
      this.#silentFor--;
      return [];
    }
    const luck = this.#random();
    if (luck < 0.02) this.#silentFor = Math.floor(5 + 25 * this.#random());
    if (luck < 0.1) return [...this.#last];
    if (luck < 0.15) {
      const payload = BROKEN_PAYLOADS[Math.floor(this.#random() * BROKEN_PAYLOADS.length)]!;
      return [{ topic: `devices/${this.id}/telemetry`, payload }];
    }
    return this.#last = this.#model.next(atMs);
  }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
