/**
 * MQTT over WebSocket (MQTT 5.0 §6) on a socket of the shape of npm `ws`. Upgrading is the affair of
 * whoever owns the HTTP port: `webSocketServerOptions` says how, `attachWebSocket` takes the result.
 */

import type { Broker } from "@/mqtt/broker.ts";
import type { Channel, ChannelEvents, ClientCertificate, Principal } from "@/mqtt/broker_types.ts";

/** The part of a `ws` WebSocket that is used. */
export interface WebSocketLike {
  readonly bufferedAmount: number;
  send(data: Uint8Array, sent: (error?: Error) => void): void;
  pause(): void;
  resume(): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  on(event: "message", listener: (data: unknown, isBinary: boolean) => void): unknown;
  on(event: "close" | "error", listener: (...details: unknown[]) => void): unknown;
}

export interface WebSocketInfo {
  /** `wss` where the HTTP port speaks TLS */
  transport: "ws" | "wss";
  remoteAddress: string;
  certificate: ClientCertificate | null;
  /** The upgrade request carried `Forwarded` or `X-Forwarded-For`. */
  forwarded: boolean;
  /** The upgrade request carried `Origin`. */
  fromPage?: boolean;
}

export const WEBSOCKET_SUBPROTOCOL = "mqtt";

/** Bytes over the largest packet that one frame may have: clients put several packets in one. */
const FRAME_SLACK_BYTES = 64 << 10;

const CLOSE_NORMAL = 1000;
const CLOSE_UNSUPPORTED_DATA = 1003;

/**
 * Options for `new WebSocketServer` of npm `ws`: a frame is bounded, nothing is compressed, and the
 * subprotocol is `mqtt` [MQTT-6.0.0-3, -4]; a client that does not offer it gets none and, as the
 * specification asks of clients, closes.
 */
export function webSocketServerOptions<P extends Principal>(broker: Broker<P>) {
  return {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: broker.limits.packetBytesMax + FRAME_SLACK_BYTES,
    handleProtocols: (offered: Set<string>): string | false =>
      offered.has(WEBSOCKET_SUBPROTOCOL) ? WEBSOCKET_SUBPROTOCOL : false,
  };
}

/** Takes an upgraded WebSocket as a connection. */
export function attachWebSocket<P extends Principal>(
  broker: Broker<P>,
  socket: WebSocketLike,
  info: WebSocketInfo,
): void {
  broker.attach(new WebSocketChannel(socket), info);
}

export class WebSocketChannel implements Channel {
  readonly #socket: WebSocketLike;
  #events: ChannelEvents | null = null;
  #isClosed = false;

  constructor(socket: WebSocketLike) {
    this.#socket = socket;
  }

  open(events: ChannelEvents): void {
    this.#events = events;
    this.#socket.on("message", (data, isBinary) => this.#received(data, isBinary));
    // "close" follows an error.
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.#closed());
  }

  #received(data: unknown, isBinary: boolean): void {
    // Packets come in binary frames, in any cut [MQTT-6.0.0-1, -2].
    if (!isBinary || this.#isClosed) {
      if (!this.#isClosed) this.#socket.close(CLOSE_UNSUPPORTED_DATA, "MQTT is binary");
      return;
    }
    for (const part of Array.isArray(data) ? data : [data]) this.#events?.data(plainBytes(part));
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events?.closed();
  }

  readonly #sent = (): void => {
    if (!this.#isClosed && this.#socket.bufferedAmount === 0) this.#events?.drained();
  };

  send(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#socket.send(bytes, this.#sent);
  }

  bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  pauseReading(): void {
    this.#socket.pause();
  }

  resumeReading(): void {
    this.#socket.resume();
  }

  close(): void {
    // A paused socket would never see the peer's answer.
    this.#socket.resume();
    this.#socket.close(CLOSE_NORMAL);
  }

  destroy(): void {
    this.#socket.terminate();
  }
}

function plainBytes(data: unknown): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  const view = data as Uint8Array;
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
