/**
 * One connection to an outside broker, from connecting to closing; nothing reconnects by itself.
 *
 * The driver gets an open socket from us, so that an abort can destroy it whatever the broker does,
 * and none of its own queueing, storing and reconnecting is used: what is not acknowledged when the
 * connection breaks is sent again by the delivery, which knows the order.
 */
import "@/forward/driver_environment.ts";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { IClientOptions, IStore, MqttClient } from "mqtt";
import { abortedError } from "@/forward/destination.ts";
import type { MqttOptions } from "@/forward/forward_types.ts";
import { openSocket, startTls } from "@/forward/tls_socket.ts";
import { PermanentError, TransientError } from "@/model/errors.ts";
import { LOOP_MARK } from "@/model/loop_mark.ts";

/** Publishes sent and not acknowledged, where the broker names no limit of its own. */
const IN_FLIGHT_MAX = 256;
const KEEP_ALIVE_SECONDS = 30;
/** MQTT 5.0: "Unsupported Protocol Version"; 3.1.1 has 1 for it. */
const UNSUPPORTED_VERSION: ReadonlySet<number> = new Set([0x01, 0x84]);

export type ProtocolVersion = 4 | 5;

/** One publish of a message. */
export interface OutgoingPublish {
  topic: string;
  payload: string;
  retain: boolean;
  /** Place in the batch of the message that it belongs to. */
  entry: number;
}

/** What the broker said in its CONNACK. */
interface BrokerLimits {
  inFlightMax: number;
  qosMax: number;
  retains: boolean;
  packetBytesMax: number;
}

/** Thrown when the broker speaks only another version of the protocol. */
export class UnsupportedVersionError extends TransientError {}

export class MqttSession {
  readonly #client: MqttClient;
  readonly #socket: Socket;
  readonly #options: MqttOptions;
  readonly #broken = Promise.withResolvers<never>();
  #limits: BrokerLimits = {
    inFlightMax: IN_FLIGHT_MAX,
    qosMax: 2,
    retains: true,
    packetBytesMax: Infinity,
  };
  #isBroken = false;
  #closing = false;
  /** Called once when the connection breaks although nobody closed it. */
  onLost: ((error: TransientError) => void) | null = null;

  private constructor(
    options: MqttOptions,
    { client, socket }: { client: MqttClient; socket: Socket },
  ) {
    this.#options = options;
    this.#client = client;
    this.#socket = socket;
    this.#broken.promise.catch(() => {}); // told to whoever waits at the time
    client.on("error", (error) => this.#break(error));
    client.on("disconnect", ({ reasonCode }) => {
      this.#break(
        new Error(`the broker disconnected us with reason 0x${(reasonCode ?? 0).toString(16)}`),
      );
    });
    client.on("close", () => this.#break(new Error("the broker closed the connection")));
  }

  /**
   * Connects and signs in, with the last will on the status topic; a `guest` has none and says
   * nothing there.
   *
   * @throws TransientError
   */
  static async open(
    options: MqttOptions,
    { version, guest, signal }: { version: ProtocolVersion; guest?: boolean; signal: AbortSignal },
  ): Promise<MqttSession> {
    // Loaded by the first destination of its kind: a gateway without one is ready sooner, and smaller.
    const { default: mqtt } = await import("mqtt");
    const socket = await connect(options, signal);
    const settings = clientOptions(options, version);
    if (guest) delete settings.will;
    const client = new mqtt.MqttClient(() => socket as never, settings);
    const session = new MqttSession(options, { client, socket });
    try {
      await session.#signIn(signal);
      if (!guest) await session.announce("online", signal);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  get usable(): boolean {
    return !this.#isBroken && !this.#closing;
  }

  /**
   * Publishes in order, a window of them at a time, and tells for each whether it was taken.
   * Resolves when all have an answer.
   *
   * @throws TransientError when the connection breaks or `signal` aborts
   */
  async publishAll(
    publishes: OutgoingPublish[],
    { onAnswer, signal }: {
      onAnswer: (publish: OutgoingPublish, error: TransientError | PermanentError | null) => void;
      signal: AbortSignal;
    },
  ): Promise<void> {
    if (publishes.length === 0) return;
    const window = new PublishWindow(publishes, this.#limits.inFlightMax);
    window.run((publish, answered) => {
      this.#publish(publish, (error) => {
        onAnswer(publish, error);
        answered();
      });
    });
    await this.#unlessBroken(window.done, signal);
  }

  /** Retained `online` or `offline` on the status topic. */
  async announce(status: "online" | "offline", signal: AbortSignal): Promise<void> {
    const topic = statusTopic(this.#options.prefix);
    let refused: Error | null = null;
    await this.publishAll([{ topic, payload: status, retain: true, entry: 0 }], {
      onAnswer: (_, error) => refused = error,
      signal,
    });
    if (refused !== null) throw refused;
  }

  /** Breaks the connection at once; the broker then publishes the last will. */
  destroy(): void {
    this.#closing = true;
    this.#socket.destroy();
    this.#client.end(true);
  }

  /** Says `offline` and goodbye; breaks the connection when `signal` aborts first. */
  async close(signal: AbortSignal): Promise<void> {
    try {
      if (this.usable) await this.announce("offline", signal);
      this.#closing = true;
      if (!this.#isBroken && !signal.aborted) await this.#disconnect(signal);
    } catch {
      // the broker is gone: its last will says the same
    } finally {
      this.destroy();
    }
  }

  async #disconnect(signal: AbortSignal): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#client.end(false, {}, () => resolve()));
    await this.#unlessBroken(ended, signal);
  }

  async #signIn(signal: AbortSignal): Promise<void> {
    const connected = new Promise<void>((resolve) => {
      this.#client.once("connect", ({ properties }) => {
        this.#limits = {
          inFlightMax: Math.min(properties?.receiveMaximum ?? IN_FLIGHT_MAX, IN_FLIGHT_MAX),
          qosMax: properties?.maximumQoS ?? 2,
          retains: properties?.retainAvailable ?? true,
          packetBytesMax: properties?.maximumPacketSize ?? Infinity,
        };
        resolve();
      });
    });
    await this.#unlessBroken(connected, signal);
  }

  #publish(
    { topic, payload, retain }: OutgoingPublish,
    done: (error: TransientError | PermanentError | null) => void,
  ): void {
    const { packetBytesMax } = this.#limits;
    const mark = this.#options.gatewayId;
    if (packetBytesMax < Infinity && packetBytes(topic, payload, mark) > packetBytesMax) {
      return done(tooLarge(topic, packetBytesMax));
    }
    const qos = Math.min(this.#options.qos, this.#limits.qosMax) as 0 | 1 | 2;
    this.#client.publish(topic, payload, {
      qos,
      retain: retain && this.#limits.retains,
      properties: mark === null ? undefined : { userProperties: { [LOOP_MARK]: mark } },
    }, (error) => {
      // the end of the connection is told once, to the whole batch
      if (!this.#isBroken) done(error ? refusal(topic, error) : null);
    });
  }

  #break(cause: Error): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    const error = connectionError(this.#options.name, cause);
    this.#broken.reject(error);
    this.#socket.destroy();
    if (!this.#closing) this.onLost?.(error);
  }

  /** Waits for a promise of the driver, which never settles once the connection is broken. */
  async #unlessBroken(promise: Promise<void>, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => {
      aborted.reject(abortedError(`Publishing to "${this.#options.name}"`, signal));
      this.destroy();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await Promise.race([promise, aborted.promise, this.#broken.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** Hands out publishes in order, so many at a time. */
class PublishWindow {
  readonly #publishes: OutgoingPublish[];
  readonly #max: number;
  readonly #done = Promise.withResolvers<void>();
  #next = 0;
  #inFlight = 0;
  /** An answer may come before `send` returns: then the loop goes on instead of a deeper call. */
  #running = false;

  constructor(publishes: OutgoingPublish[], max: number) {
    this.#publishes = publishes;
    this.#max = max;
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  run(send: (publish: OutgoingPublish, answered: () => void) => void): void {
    if (this.#running) return;
    this.#running = true;
    while (this.#next < this.#publishes.length && this.#inFlight < this.#max) {
      this.#inFlight++;
      send(this.#publishes[this.#next++]!, () => {
        this.#inFlight--;
        this.run(send);
      });
    }
    this.#running = false;
    if (this.#inFlight === 0 && this.#next === this.#publishes.length) this.#done.resolve();
  }
}

export function statusTopic(prefix: string): string {
  return `${prefix}/gateway/status`;
}

/** @throws TransientError */
async function connect(options: MqttOptions, signal: AbortSignal): Promise<Socket> {
  const url = URL.parse(options.url);
  if (url === null || !/^mqtts?:$/.test(url.protocol) || url.hostname === "") {
    throw new TransientError(`Cannot use the url of destination "${options.name}"`, {
      code: "FWD-0305",
      hint: "Write mqtt://host:1883 or mqtts://host:8883",
    });
  }
  const secured = url.protocol === "mqtts:" && options.tls.mode !== "off";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const endpoint = { host, port: Number(url.port) || (secured ? 8883 : 1883) };
  const socket = await openSocket(endpoint, signal);
  if (!secured) return socket;
  const rejectUnauthorized = options.tls.mode !== "insecure";
  const trust = { ca: options.tls.ca, rejectUnauthorized, checkName: true };
  return await startTls(socket, { endpoint, trust, signal });
}

function clientOptions(options: MqttOptions, version: ProtocolVersion): IClientOptions {
  return {
    clientId: options.clientId,
    protocolVersion: version,
    username: options.username ?? undefined,
    password: options.password ?? undefined,
    clean: true,
    keepalive: KEEP_ALIVE_SECONDS,
    reconnectPeriod: 0,
    timerVariant: "native",
    outgoingStore: new NoStore(),
    incomingStore: new NoStore(),
    will: { topic: statusTopic(options.prefix), payload: "offline" as never, qos: 1, retain: true },
  };
}

/** The driver would keep a deep copy of every packet; the log has them all. */
class NoStore implements IStore {
  put(_packet: unknown, done: (error?: Error) => void): this {
    done();
    return this;
  }

  createStream(): never {
    return Readable.from([]) as never;
  }

  del(packet: unknown, done: (error: Error | undefined, packet: never) => void): this {
    done(undefined, packet as never);
    return this;
  }

  get(packet: unknown, done: (error: Error | undefined, packet: never) => void): this {
    done(undefined, packet as never);
    return this;
  }

  close(done: (error?: Error) => void): void {
    done();
  }
}

/** Upper bound of a PUBLISH packet: fixed header 5, lengths 8, packet id 2, property ids 6. */
function packetBytes(topic: string, payload: string, mark: string | null): number {
  const text = topic + payload + LOOP_MARK + (mark ?? "");
  return 21 + new TextEncoder().encode(text).length;
}

function tooLarge(topic: string, bytesMax: number): PermanentError {
  return new PermanentError(
    `Cannot publish on "${topic}": the broker takes packets of ${bytesMax} bytes at the most`,
    { code: "FWD-0310", hint: "Raise the broker's limit, or have the device send less" },
  );
}

const REFUSALS: Record<number, { code: string; hint: string }> = {
  0x87: { code: "FWD-0302", hint: "Allow the user to publish there, or leave it out by a filter" },
  0x97: { code: "FWD-0303", hint: "Nothing to do; the broker's quota is used up for now" },
};

/** Only these blame the message: topic name invalid, packet too large, payload format invalid. */
const CONTENT_REASONS: ReadonlySet<number> = new Set([0x90, 0x95, 0x99]);

function refusal(topic: string, error: Error): TransientError | PermanentError {
  const reason = reasonCode(error);
  const message = `Cannot publish on "${topic}": ${error.message}`;
  if (reason !== null && CONTENT_REASONS.has(reason)) {
    const hint = "Edit the message and replay it, and correct the sender";
    return new PermanentError(message, { code: "FWD-0311", hint, cause: error });
  }
  const known = REFUSALS[reason ?? 0] ??
    { code: "FWD-0300", hint: "See the broker's log; the messages are kept and sent again" };
  return new TransientError(message, { ...known, cause: error });
}

function connectionError(name: string, cause: Error): TransientError {
  const reason = reasonCode(cause);
  const message = `Cannot use MQTT destination "${name}": ${cause.message}`;
  const details = { ...connectionHint(reason), cause };
  return reason !== null && UNSUPPORTED_VERSION.has(reason)
    ? new UnsupportedVersionError(message, details)
    : new TransientError(message, details);
}

function connectionHint(reason: number | null): { code: string; hint: string } {
  if (reason !== null && [0x04, 0x05, 0x86, 0x87].includes(reason)) {
    return { code: "FWD-0301", hint: "Check username and password, and the broker's access rules" };
  }
  if (reason !== null && UNSUPPORTED_VERSION.has(reason)) {
    return { code: "FWD-0304", hint: "Nothing to do; another version is tried" };
  }
  return { code: "FWD-0300", hint: "Check that the broker runs and can be reached" };
}

function reasonCode(error: Error): number | null {
  return "code" in error && typeof error.code === "number" ? error.code : null;
}
