/**
 * HTTPS on node's server: unlike the runtime's own it asks for client certificates, takes new
 * certificates without a new start, and bounds how long a request's head may take. Requests become
 * the same `Request` objects as over plain HTTP and go through the same app.
 *
 * A WebSocket upgrade goes through the app too (policies, subprotocol, limits); the route that takes
 * it finds the socket with `NodeUpgrades`.
 *
 * Loaded with the first certificate: a gateway without one starts faster and stays smaller.
 */
// First: the WebSocket library looks into the environment when it is loaded.
import "@/forward/driver_environment.ts";
import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { getRequestListener } from "@hono/node-server";
import { WebSocketServer } from "ws";
import { type PeerCertificate, peerCertificate } from "@/auth/peer_certificate.ts";
import type { TlsMaterial } from "@/auth/tls_material.ts";
import { HttpError } from "@/model/errors.ts";
import type { ListenAddress } from "@/mqtt/listener.ts";
import { problemOf } from "@/routes/api/problem.ts";
import type { NodeUpgrades, TakeSocket } from "@/runtime/node_upgrades.ts";

/** A connection that asks nothing is closed after this; pages open another one. */
const KEEP_ALIVE_MS = 65_000;
const HEAD_MS = 15_000;
/** How often slow requests are looked for. */
const CHECK_MS = 1_000;
/** More are cut off; the app refuses from a hundred on. */
const HEADERS_MAX = 200;
const HEAD_BYTES_MAX = 16 * 1024;
/** For a peer that sent no request to read why. */
const LAST_WORD_MS = 1_000;

/** Who sends a request. */
export interface HttpsSender {
  remoteAddress: string;
  peer: PeerCertificate;
}

export interface HttpsOptions {
  material: TlsMaterial;
  /** Open sockets, unfinished handshakes included; more are closed at once. */
  socketsMax: number;
  /** For the whole of a request to arrive. */
  requestTimeoutMs: number;
  /** Of `new WebSocketServer`. */
  webSocket: ConstructorParameters<typeof WebSocketServer>[0];
  upgrades: NodeUpgrades;
  handler: (request: Request, sender: HttpsSender) => Response | Promise<Response>;
}

export class HttpsListener {
  readonly #server: Server;
  readonly #options: HttpsOptions;
  readonly #webSockets: WebSocketServer;
  readonly #peers = new WeakMap<object, PeerCertificate>();
  readonly #upgraded = new Set<Duplex>();
  readonly #closed = Promise.withResolvers<void>();

  private constructor(options: HttpsOptions) {
    this.#options = options;
    this.#webSockets = new WebSocketServer(options.webSocket);
    const answer = getRequestListener(
      (request, { incoming }) =>
        this.#options.handler(request, this.#senderOf(incoming.socket as TLSSocket)),
      { overrideGlobalObjects: false, errorHandler: () => new Response(null, { status: 500 }) },
    );
    this.#server = createServer(serverOptions(options), answer);
    this.#server.maxConnections = options.socketsMax;
    this.#server.maxHeadersCount = HEADERS_MAX;
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
    this.#server.on("secureConnection", (socket: TLSSocket) => this.#welcome(socket));
    // A failed handshake is the peer's affair.
    this.#server.on("tlsClientError", (_error: Error, socket: TLSSocket) => socket.destroy());
    this.#server.on("clientError", (error: Error, socket: Duplex) => refuseHead(error, socket));
    this.#server.on("upgrade", (request, socket, head) => {
      void this.#upgrade(request as IncomingMessage, { socket, head });
    });
  }

  /** Rejects when the address cannot be bound. */
  static async listen(at: ListenAddress, options: HttpsOptions): Promise<HttpsListener> {
    const listener = new HttpsListener(options);
    const server = listener.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: at.hostname, port: at.port }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    // Accepting may fail for a moment (no more descriptors): the next connection tries again.
    server.on("error", () => {});
    return listener;
  }

  get hostname(): string {
    return (this.#server.address() as AddressInfo).address;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections get this certificate; open ones go on. */
  use(material: TlsMaterial): void {
    this.#server.setSecureContext(material);
  }

  /** Accepts no more; running requests go on, idle connections are closed. */
  stop(): Promise<void> {
    if (this.#server.listening) this.#server.close(() => this.#closed.resolve());
    this.#server.closeIdleConnections();
    this.#webSockets.close();
    return Promise.resolve();
  }

  /** After `stop`: lets running requests finish for up to `graceMs`, then cuts them. */
  async end(graceMs: number): Promise<void> {
    const cutLater = setTimeout(() => this.#cut(), graceMs);
    await this.#closed.promise;
    clearTimeout(cutLater);
  }

  /** After `stop`, once the last connection is gone. */
  whenClosed(listener: () => void): void {
    void this.#closed.promise.then(listener);
  }

  #cut(): void {
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
  }

  #welcome(socket: TLSSocket): void {
    // A reset is an end like any other.
    socket.on("error", () => {});
    this.#peers.set(socket, peerCertificate(socket));
  }

  #senderOf(socket: TLSSocket): HttpsSender {
    const peer = this.#peers.get(socket) ?? peerCertificate(socket);
    return { remoteAddress: plainAddress(socket.remoteAddress), peer };
  }

  async #upgrade(
    incoming: IncomingMessage,
    { socket, head }: { socket: Duplex; head: Buffer },
  ): Promise<void> {
    socket.on("error", () => {});
    const request = upgradeRequest(incoming);
    if (request === null) return void socket.destroy();
    let take: TakeSocket | null = null;
    this.#options.upgrades.offer(request, (taker) => take = taker);
    const sender = this.#senderOf(socket as TLSSocket);
    const response = await this.#options.handler(request, sender);
    if (take === null) return await refuse(socket, response);
    await response.body?.cancel();
    this.#upgraded.add(socket);
    socket.once("close", () => this.#upgraded.delete(socket));
    this.#webSockets.handleUpgrade(incoming, socket, head, take);
  }
}

function serverOptions({ material, requestTimeoutMs }: HttpsOptions) {
  return {
    ...material,
    headersTimeout: Math.min(HEAD_MS, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: CHECK_MS,
    maxHeaderSize: HEAD_BYTES_MAX,
    noDelay: true,
    keepAlive: true,
  };
}

/** Null for a head that makes no request. */
function upgradeRequest({ url, headers, rawHeaders }: IncomingMessage): Request | null {
  const address = `https://${headers.host ?? ""}${url ?? ""}`;
  if (!URL.canParse(address)) return null;
  const sent = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    sent.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return new Request(address, { headers: sent });
}

/** The app's answer to an upgrade that it does not take. */
async function refuse(socket: Duplex, response: Response): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(
    `HTTP/1.1 ${response.status} ${response.statusText}\r\n${headers}` +
      `content-length: ${body.length}\r\nconnection: close\r\n\r\n`,
  );
  socket.end(body);
}

/** What is no request, or none in time: nothing of the app has seen it. */
function refuseHead(error: Error, socket: Duplex): void {
  const code = "code" in error ? String(error.code) : "";
  // A peer that is gone reads nothing.
  if (!socket.writable || code === "ECONNRESET" || code === "EPIPE") return void socket.destroy();
  const problem = headProblem(code);
  const { status } = problem;
  const body = JSON.stringify(problemOf(problem));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_WORDS[status]}\r\ncontent-type: application/problem+json\r\n` +
      `x-content-type-options: nosniff\r\ncontent-length: ${body.length}\r\n` +
      `connection: close\r\n\r\n${body}`,
  );
  // Destroyed at once, with bytes of the head unread, the answer would be lost on its way.
  const timer = setTimeout(() => socket.destroy(), LAST_WORD_MS);
  socket.once("close", () => clearTimeout(timer));
  socket.resume();
}

const STATUS_WORDS: Record<number, string> = {
  400: "Bad Request",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
};

function headProblem(code: string): HttpError {
  if (code === "HPE_HEADER_OVERFLOW") {
    return new HttpError(431, `The head of the request is larger than ${HEAD_BYTES_MAX} bytes`, {
      code: "HTTP-0431",
      hint: "send shorter headers; cookies of other programs on this host may be the cause",
    });
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new HttpError(408, "The request took too long to arrive", {
      code: "HTTP-0408",
      hint: "send it faster; http.request_timeout sets the limit",
    });
  }
  return new HttpError(400, "This is no HTTP request", {
    code: "HTTP-0400",
    hint: "speak HTTP/1.1 here",
  });
}

/** IPv4 over an IPv6 socket is still the same address. */
function plainAddress(address: string | undefined): string {
  return (address ?? "unknown").replace(/^::ffff:(?=\d+\.)/, "");
}
