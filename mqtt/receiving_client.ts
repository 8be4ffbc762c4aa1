/**
 * One connection to somebody else's broker that receives and acknowledges late.
 *
 * Constraints: an acknowledgement may go out only after the message is committed, and commits are
 * shared by many messages; so messages are handed on as they come (a window of `unacknowledgedMax`)
 * and acknowledged in the order in which they came [MQTT-4.6.0-2], many in one write.
 *
 * How it runs: `connecting` → CONNECT, CONNACK → `subscribing` → SUBACK → `receiving` → `closed`.
 * The session is persistent: what is not acknowledged when the connection ends comes again.
 * Reconnecting is the caller's; one object is one connection.
 *
 * On failure (network, refused CONNECT or SUBSCRIBE, protocol, a message that could not be committed)
 * the connection is closed without acknowledging what is open, and `closed` settles with the reason.
 */
import { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";
import type { AcknowledgementPacket, Packet, PublishPacket, Qos } from "@/mqtt/codec/packet.ts";
import { encodePacket, writePacket } from "@/mqtt/codec/packet_encoder.ts";
import { PacketParser } from "@/mqtt/codec/packet_parser.ts";
import { WireWriter } from "@/mqtt/codec/wire_writer.ts";
import { TransientError } from "@/model/errors.ts";

export interface ReceivingClientOptions {
  host: string;
  port: number;
  /** PEM of authorities to trust instead of the system's; null connects without TLS. */
  tls: { ca: string | null } | null;
  version: 4 | 5;
  clientId: string;
  username: string | null;
  password: string | null;
  /** As subscribed, with `$share/name/` where shared (5.0). */
  filters: string[];
  qos: Qos;
  unacknowledgedMax: number;
  packetBytesMax: number;
  keepAliveSeconds: number;
  /** How long the broker keeps the session without us (5.0), seconds. */
  sessionExpirySeconds: number;
  connectTimeoutMs: number;
  /** False: the broker may still know our filters, ask only when it has no session. */
  alwaysSubscribe: boolean;
  /** True ends what the broker kept for this client id; 3.1.1 then keeps nothing afterwards. */
  cleanStart?: boolean;
}

/**
 * Takes one message. `done(true)` once it is committed (or need not be), `done(false)` when it could
 * not be: the connection is then given up, so that the broker sends it again.
 * `publish` is valid until the return.
 */
export type TakeMessage = (publish: PublishPacket, done: (taken: boolean) => void) => void;

export type ReceivingState = "connecting" | "subscribing" | "receiving" | "closed";

interface Pending {
  packetId: number;
  qos: Qos;
  taken: boolean;
}

const WRITE_BYTES = 4096;

export class ReceivingClient {
  readonly #options: ReceivingClientOptions;
  readonly #take: TakeMessage;
  readonly #socket: net.Socket;
  readonly #parser: PacketParser;
  readonly #writer = new WireWriter(WRITE_BYTES);
  readonly #pending: Pending[] = [];
  /** QoS 2 identifiers that are taken and not yet released; shared by connections of one session. */
  readonly #unreleased: Set<number>;
  readonly #receiving: () => void;
  readonly #settled = Promise.withResolvers<TransientError | null>();
  #state: ReceivingState = "connecting";
  #paused = false;
  #flushPlanned = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #heard = false;
  #pinged = false;

  /**
   * Opens the connection at once; `unreleased` carries QoS 2 state over reconnects, `receiving` is
   * called when the subscription stands.
   */
  constructor(
    options: ReceivingClientOptions,
    parts: { take: TakeMessage; unreleased: Set<number>; receiving: () => void },
  ) {
    this.#options = options;
    this.#take = parts.take;
    this.#unreleased = parts.unreleased;
    this.#receiving = parts.receiving;
    this.#parser = new PacketParser({
      role: "client",
      version: options.version,
      packetBytesMax: options.packetBytesMax,
      onPacket: (packet) => this.#receive(packet),
    });
    this.#socket = openSocket(options, () => this.#connect());
    this.#listen();
    this.#timer = setTimeout(
      () => this.#fail("no answer within the time limit", "check host, port and firewall"),
      options.connectTimeoutMs,
    );
  }

  get state(): ReceivingState {
    return this.#state;
  }

  /** Messages that are taken and not yet acknowledged. */
  get unacknowledged(): number {
    return this.#pending.length;
  }

  /** Settles at the end with the reason; null after `close`. Never rejects. */
  get closed(): Promise<TransientError | null> {
    return this.#settled.promise;
  }

  /** Ends orderly: acknowledges what is committed, says DISCONNECT. */
  close(): void {
    if (this.#state === "closed") return;
    this.#flush();
    this.#send({ type: "disconnect", reasonCode: 0, properties: null });
    this.#end(null);
  }

  #listen(): void {
    this.#socket.on("data", (chunk: Uint8Array) => this.#data(chunk));
    this.#socket.on("error", (error: Error) => this.#fail(error.message, "check the broker"));
    this.#socket.on(
      "close",
      () => this.#fail("the broker closed the connection", "look into the broker's log"),
    );
  }

  #data(chunk: Uint8Array): void {
    this.#heard = true;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      this.#fail(
        `the broker broke the protocol: ${error}`,
        "report this with the broker's version",
      );
    }
  }

  #connect(): void {
    const { version, clientId, username, password, keepAliveSeconds } = this.#options;
    this.#send({
      type: "connect",
      version,
      cleanStart: this.#options.cleanStart ?? false,
      keepAlive: keepAliveSeconds,
      clientId,
      username,
      password: password === null ? null : Buffer.from(password),
      will: null,
      properties: version === 5
        ? {
          sessionExpiryInterval: this.#options.sessionExpirySeconds,
          receiveMaximum: this.#options.unacknowledgedMax,
          maximumPacketSize: this.#options.packetBytesMax,
        }
        : null,
    });
  }

  #receive(packet: Packet): void {
    switch (packet.type) {
      case "publish":
        return this.#publish(packet);
      case "pubrel":
        return this.#release(packet);
      case "connack":
        return this.#connected(packet.reasonCode, packet.sessionPresent);
      case "suback":
        return this.#subscribed(packet.reasonCodes);
      case "disconnect":
        return this.#fail(
          `the broker ended the connection with reason 0x${packet.reasonCode.toString(16)}`,
          packet.reasonCode === 0x8e
            ? "another client uses the same client id: set client_id"
            : "look into the broker's log",
        );
      case "pingresp":
        this.#pinged = false;
    }
  }

  #connected(reasonCode: number, sessionPresent: boolean): void {
    if (reasonCode !== 0) {
      return this.#fail(
        `the broker refused CONNECT with code 0x${reasonCode.toString(16)}`,
        "check username, password and client_id",
      );
    }
    clearTimeout(this.#timer);
    this.#timer = setInterval(() => this.#keepAlive(), this.#options.keepAliveSeconds * 500);
    if (!sessionPresent) this.#unreleased.clear();
    if (sessionPresent && !this.#options.alwaysSubscribe) {
      return this.#standing();
    }
    this.#state = "subscribing";
    this.#subscribe();
  }

  /** The subscription stands. */
  #standing(): void {
    this.#state = "receiving";
    this.#receiving();
  }

  #subscribe(): void {
    const subscriptions = this.#options.filters.map((filter) => ({
      filter,
      qos: this.#options.qos,
      noLocal: false,
      retainAsPublished: false,
      // 5.0: retained messages come once, not after each reconnect.
      retainHandling: (this.#options.version === 5 ? 1 : 0) as 0 | 1,
    }));
    this.#send({ type: "subscribe", packetId: 1, subscriptions, properties: null });
  }

  #subscribed(reasonCodes: number[]): void {
    const refused = reasonCodes.findIndex((code) => code >= 0x80);
    if (refused < 0) return this.#standing();
    this.#fail(
      `the broker refused the filter "${this.#options.filters[refused]}" with code ` +
        `0x${reasonCodes[refused]?.toString(16)}`,
      "allow this user to subscribe to it, or change topics",
    );
  }

  #publish(publish: PublishPacket): void {
    if (publish.qos === 0) return this.#take(publish, () => {});
    const pending: Pending = { packetId: publish.packetId, qos: publish.qos, taken: false };
    this.#pending.push(pending);
    this.#limitReading();
    // The broker did not see our PUBREC: the message itself is already committed.
    if (publish.qos === 2 && this.#unreleased.has(publish.packetId)) {
      return this.#done(pending, true);
    }
    this.#take(publish, (taken) => this.#done(pending, taken));
  }

  #done(pending: Pending, taken: boolean): void {
    if (this.#state === "closed") return;
    if (!taken) {
      return this.#fail("a message could not be stored", "look into the log for the cause");
    }
    pending.taken = true;
    if (pending.qos === 2) this.#unreleased.add(pending.packetId);
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    queueMicrotask(() => this.#flush());
  }

  /** Acknowledges the taken ones at the head, all in one write. */
  #flush(): void {
    this.#flushPlanned = false;
    if (this.#state === "closed") return;
    let count = 0;
    for (const { packetId, qos, taken } of this.#pending) {
      if (!taken) break;
      this.#writeAcknowledgement(qos === 1 ? "puback" : "pubrec", packetId);
      count++;
    }
    if (count === 0) return;
    this.#pending.splice(0, count);
    this.#socket.write(this.#writer.take());
    this.#limitReading();
  }

  #writeAcknowledgement(type: "puback" | "pubrec", packetId: number): void {
    const packet = { type, packetId, reasonCode: 0, properties: null };
    writePacket(this.#writer, packet, this.#options.version);
  }

  #release(packet: AcknowledgementPacket): void {
    this.#unreleased.delete(packet.packetId);
    const { packetId } = packet;
    this.#send({ type: "pubcomp", packetId, reasonCode: 0, properties: null });
  }

  /** 3.1.1 knows no receive maximum: there the window is kept by not reading on. */
  #limitReading(): void {
    const over = this.#pending.length >= this.#options.unacknowledgedMax * 2;
    if (over === this.#paused) return;
    this.#paused = over;
    if (over) this.#socket.pause();
    else this.#socket.resume();
  }

  #keepAlive(): void {
    if (this.#pinged && !this.#heard) {
      return this.#fail("the broker does not answer", "check the network");
    }
    this.#heard = false;
    this.#pinged = true;
    this.#send({ type: "pingreq" });
  }

  #send(packet: Packet): void {
    if (this.#state === "closed") return;
    this.#socket.write(encodePacket(packet, this.#options.version));
  }

  #fail(cause: string, hint: string): void {
    const { host, port } = this.#options;
    this.#end(
      new TransientError(`Cannot receive from broker "${host}:${port}": ${cause}`, {
        code: "SRC-0201",
        hint,
      }),
    );
  }

  #end(reason: TransientError | null): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearInterval(this.#timer);
    this.#parser.stop();
    if (reason === null) this.#socket.end(() => this.#socket.destroy());
    else this.#socket.destroy();
    this.#settled.resolve(reason);
  }
}

function openSocket(options: ReceivingClientOptions, opened: () => void): net.Socket {
  const { host, port } = options;
  const socket = options.tls === null
    ? net.connect({ host, port, noDelay: true }, opened)
    : tls.connect(
      { host, port, servername: host, ca: options.tls.ca ?? undefined, minVersion: "TLSv1.2" },
      opened,
    );
  socket.setNoDelay(true);
  return socket;
}
