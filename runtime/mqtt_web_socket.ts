/**
 * MQTT over WebSocket on the HTTP port: the runtime's own WebSocket in the shape that the broker's
 * channel takes.
 *
 * The runtime's WebSocket has no way to stop reading. While the broker does not want more (C10), what
 * still comes is kept up to a bound, and a client beyond it is cut: nothing of that was acknowledged,
 * so it repeats. A frame's size is bounded by the runtime (64 MiB) and then by the codec.
 */
import type { Broker } from "@/mqtt/broker.ts";
import type { Principal } from "@/mqtt/broker_types.ts";
import {
  attachWebSocket,
  WEBSOCKET_SUBPROTOCOL,
  type WebSocketInfo,
  type WebSocketLike,
} from "@/mqtt/websocket_channel.ts";
import type { HttpApproach } from "@/routes/http_env.ts";
import type { NodeUpgrades } from "@/runtime/node_upgrades.ts";

/** A peer that answers no ping for so long is gone. */
const IDLE_SECONDS = 60;
/** Sent bytes are looked at this often while some wait: the runtime tells of none. */
const DRAIN_CHECK_MS = 20;
/** Bytes kept over the largest packet while reading is paused. */
const PAUSED_SLACK_BYTES = 1 << 20;
const TOO_MUCH = 1013;

/** Upgrades the request; the answer must go out untouched. */
export function upgradeMqtt<P extends Principal>(
  broker: Broker<P>,
  request: Request,
  { approach, upgrades }: { approach: HttpApproach & { tls: boolean }; upgrades: NodeUpgrades },
): Response {
  const info = connectionInfo(approach);
  if (upgrades.take(request, (socket) => attachWebSocket(broker, socket, info))) {
    return new Response(null);
  }
  const { socket, response } = Deno.upgradeWebSocket(request, {
    protocol: WEBSOCKET_SUBPROTOCOL,
    idleTimeout: IDLE_SECONDS,
  });
  const adapter = new RuntimeWebSocket(socket, broker.limits.packetBytesMax + PAUSED_SLACK_BYTES);
  socket.addEventListener("open", () => attachWebSocket(broker, adapter, info), { once: true });
  return response;
}

function connectionInfo(
  { remoteAddress, forwarded, fromPage, certificate, tls }: HttpApproach & { tls: boolean },
): WebSocketInfo {
  return {
    transport: tls ? "wss" : "ws",
    ...{ remoteAddress, forwarded, fromPage },
    certificate: certificate === null ? null : {
      commonName: certificate.commonName,
      fingerprint256: certificate.fingerprint,
      validFromMs: certificate.notBeforeMs ?? 0,
      validToMs: certificate.notAfterMs ?? Infinity,
    },
  };
}

type MessageListener = (data: unknown, isBinary: boolean) => void;

export class RuntimeWebSocket implements WebSocketLike {
  readonly #socket: WebSocket;
  readonly #pausedBytesMax: number;
  readonly #messageListeners: MessageListener[] = [];
  readonly #closeListeners: (() => void)[] = [];
  #kept: { data: unknown; isBinary: boolean; bytes: number }[] = [];
  #keptBytes = 0;
  #isPaused = false;
  #isClosed = false;
  #unsent: ((error?: Error) => void)[] = [];
  #drainTimer: ReturnType<typeof setInterval> | undefined;

  constructor(socket: WebSocket, pausedBytesMax: number) {
    this.#socket = socket;
    this.#pausedBytesMax = pausedBytesMax;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#received(data));
    socket.addEventListener("close", () => this.#closed());
    // "close" follows; without a listener the runtime would report an uncaught error.
    socket.addEventListener("error", (event) => event.preventDefault());
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  on(event: "message" | "close" | "error", listener: (...details: never[]) => void): unknown {
    if (event === "message") this.#messageListeners.push(listener as MessageListener);
    if (event === "close") this.#closeListeners.push(listener as () => void);
    return this;
  }

  send(data: Uint8Array, sent: (error?: Error) => void): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(data as Uint8Array<ArrayBuffer>);
    this.#unsent.push(sent);
    queueMicrotask(() => this.#settleSent());
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    while (!this.#isPaused && !this.#isClosed) {
      const next = this.#kept.shift();
      if (next === undefined) return;
      this.#keptBytes -= next.bytes;
      this.#deliver(next.data, next.isBinary);
    }
  }

  close(code?: number, reason?: string): void {
    if (this.#socket.readyState <= WebSocket.OPEN) this.#socket.close(code, reason);
  }

  /** The peer may never answer the close: for us it has ended now. */
  terminate(): void {
    this.close();
    this.#closed();
  }

  #received(data: unknown): void {
    const isBinary = data instanceof ArrayBuffer;
    if (!this.#isPaused && this.#kept.length === 0) return this.#deliver(data, isBinary);
    const bytes = data instanceof ArrayBuffer ? data.byteLength : String(data).length;
    this.#kept.push({ data, isBinary, bytes });
    this.#keptBytes += bytes;
    if (this.#keptBytes <= this.#pausedBytesMax) return;
    this.#kept = [];
    this.close(TOO_MUCH, "not reading now");
    this.#closed();
  }

  #deliver(data: unknown, isBinary: boolean): void {
    for (const listener of this.#messageListeners) listener(data, isBinary);
  }

  #settleSent(): void {
    if (this.#isClosed) return;
    if (this.#socket.bufferedAmount > 0) {
      this.#drainTimer ??= setInterval(() => this.#settleSent(), DRAIN_CHECK_MS);
      return;
    }
    clearInterval(this.#drainTimer);
    this.#drainTimer = undefined;
    const settled = this.#unsent;
    this.#unsent = [];
    for (const sent of settled) sent();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#drainTimer);
    this.#kept = [];
    this.#unsent = [];
    for (const listener of this.#closeListeners) listener();
  }
}
