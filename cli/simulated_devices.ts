/**
 * Simulated devices at a real broker: one MQTT connection each, QoS 1, as devices in the field.
 * A device whose messages are not acknowledged holds back instead of queueing without bound.
 */
import process from "node:process";
import type { MqttClient } from "mqtt";
import type { DeviceModel } from "@/cli/simulate_models.ts";

/** Unacknowledged messages of one device. */
const WINDOW = 64;
/** Messages are due in steps of this; a step's share goes out at once. */
const TICK_MS = 20;
/** A broker that acknowledges no more is left after this. */
const CLOSE_TIME_MAX_MS = 2000;

export interface SimulationOptions {
  url: string;
  username?: string;
  password?: string;
  fleet: DeviceModel[];
  /** Messages per second of the whole fleet. */
  rate: number;
  /** Ends the simulation. */
  signal: AbortSignal;
  /** Called once for each kind of trouble with the connection. */
  onTrouble: (text: string) => void;
}

export interface SimulationCounts {
  sent: number;
  acknowledged: number;
  /** Due messages that were not sent because earlier ones wait for their acknowledgement. */
  heldBack: number;
}

/** Runs until the signal; resolves with what was sent once every connection is closed. */
export async function runSimulation(options: SimulationOptions): Promise<SimulationCounts> {
  const counts: SimulationCounts = { sent: 0, acknowledged: 0, heldBack: 0 };
  const connect = await loadClient();
  const devices = options.fleet.map((model) =>
    new SimulatedDevice(model, connect, options, counts)
  );
  try {
    await sendWhenDue(devices, options);
  } finally {
    await Promise.all(devices.map((device) => device.close()));
  }
  return counts;
}

type Connect = (typeof import("mqtt"))["connect"];

/** Loaded when needed, so that other commands start fast. */
async function loadClient(): Promise<Connect> {
  // Its packages look for settings in the environment, of which the shipped program may read SLUICE_*
  // only; a simulation takes none from there.
  Object.defineProperty(process, "env", { value: {}, configurable: true, writable: true });
  const { default: mqtt } = await import("mqtt");
  return mqtt.connect;
}

class SimulatedDevice {
  readonly #model: DeviceModel;
  readonly #client: MqttClient;
  readonly #counts: SimulationCounts;
  #waiting = 0;
  #closing = false;
  readonly #settled = Promise.withResolvers<void>();

  constructor(
    model: DeviceModel,
    connect: Connect,
    options: SimulationOptions,
    counts: SimulationCounts,
  ) {
    this.#model = model;
    this.#counts = counts;
    this.#client = connect(options.url, {
      clientId: `simulated-${model.id}`,
      username: options.username,
      password: options.password,
      clean: true,
      reconnectPeriod: 1000,
    });
    let told = "";
    this.#client.on("error", (error) => {
      if (error.message !== told) options.onTrouble(`${model.id}: ${told = error.message}`);
    });
  }

  send(atMs: number): void {
    if (this.#waiting >= WINDOW) {
      this.#counts.heldBack++;
      return;
    }
    for (const { topic, payload } of this.#model.next(atMs)) {
      this.#waiting++;
      this.#counts.sent++;
      this.#client.publish(topic, payload, { qos: 1 }, (error) => {
        if (--this.#waiting === 0 && this.#closing) this.#settled.resolve();
        if (error === undefined || error === null) this.#counts.acknowledged++;
      });
    }
  }

  /** Waits for acknowledgements while connected, but not for ever, then disconnects. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#client.connected && this.#waiting > 0) {
      // The client's own wait for acknowledgements has no end.
      const timer = setTimeout(() => this.#settled.resolve(), CLOSE_TIME_MAX_MS);
      await this.#settled.promise;
      clearTimeout(timer);
    }
    await this.#client.endAsync(!this.#client.connected || this.#waiting > 0);
  }
}

/** Spreads the messages evenly over time and over the devices. */
async function sendWhenDue(
  devices: SimulatedDevice[],
  { rate, signal }: SimulationOptions,
): Promise<void> {
  const startedMs = performance.now();
  let sent = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const tick = () => {
    // After a pause of the machine the missed messages are not made up for in a burst.
    const due = Math.floor((performance.now() - startedMs) / 1000 * rate) + 1;
    const burst = Math.max(devices.length, Math.ceil(rate));
    sent = Math.max(sent, due - burst);
    for (; sent < due; sent++) devices[sent % devices.length]!.send(Date.now());
  };
  const timer = setInterval(tick, TICK_MS);
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise.finally(() => clearInterval(timer));
}
