/**
 * Listening for MQTT on TCP and TLS, on node's sockets: client certificates are checked there, and
 * many connections are served fairly.
 */

import { createServer, type Server, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type Server as TlsServer,
  type TLSSocket,
} from "node:tls";
import type { Broker } from "@/mqtt/broker.ts";
import type { ClientCertificate, Principal } from "@/mqtt/broker_types.ts";
import { StreamChannel } from "@/mqtt/stream_channel.ts";

const BACKLOG = 1024;

export interface ListenAddress {
  hostname: string;
  /** 0 takes a free one */
  port: number;
}

/** PEM texts. */
export interface TlsIdentity {
  key: string;
  cert: string;
  /** Authority of client certificates; without it none is asked for. */
  ca?: string;
}

export interface TlsListenOptions extends ListenAddress {
  identity: TlsIdentity;
  /** Refuse clients without a valid certificate; else they may use a user name. */
  requireCertificate?: boolean;
  /** A handshake that is not complete by then is ended. */
  handshakeTimeoutMs?: number;
  /** Open sockets, unfinished handshakes included; more are closed at once. */
  socketsMax?: number;
}

export interface Listener extends AsyncDisposable {
  /** as bound */
  hostname: string;
  port: number;
  /** Accepts no more; connections go on. */
  stop(): Promise<void>;
}

export interface TlsListener extends Listener {
  /** New connections use it; existing ones go on. */
  reload(identity: TlsIdentity): void;
}

/** Listens on TCP; rejects when the address cannot be bound. */
export async function listenTcp<P extends Principal>(
  broker: Broker<P>,
  address: ListenAddress,
): Promise<Listener> {
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    broker.attach(new StreamChannel(socket), {
      transport: "tcp",
      remoteAddress: remoteAddress(socket),
      certificate: null,
      forwarded: false,
    });
  });
  return await bind(server, address);
}

/** Listens on TLS 1.2 and later; rejects when address or identity cannot be used. */
export async function listenTls<P extends Principal>(
  broker: Broker<P>,
  options: TlsListenOptions,
): Promise<TlsListener> {
  const requestCert = options.identity.ca !== undefined;
  const server: TlsServer = createTlsServer({
    ...secureContext(options.identity),
    requestCert,
    // A certificate is judged below: a client without one may still have a user name.
    rejectUnauthorized: requestCert && options.requireCertificate === true,
    handshakeTimeout: options.handshakeTimeoutMs ?? 10_000,
    minVersion: "TLSv1.2",
  });
  if (options.socketsMax !== undefined) server.maxConnections = options.socketsMax;
  server.on("secureConnection", (socket: TLSSocket) => acceptTls(broker, socket));
  // A failed handshake is the peer's affair.
  server.on("tlsClientError", (_error: Error, socket: TLSSocket) => socket.destroy());
  const listener = await bind(server, options);
  return Object.assign(listener, {
    reload: (identity: TlsIdentity) => server.setSecureContext(secureContext(identity)),
  });
}

function acceptTls<P extends Principal>(broker: Broker<P>, socket: TLSSocket): void {
  socket.setNoDelay(true);
  const certificate = verifiedCertificate(socket);
  const presented = socket.getPeerCertificate() as { subject?: unknown } | null;
  // A certificate that is not from the authority is not the same as none: it is refused.
  if (certificate === null && presented?.subject !== undefined) {
    socket.destroy();
    return;
  }
  broker.attach(new StreamChannel(socket), {
    transport: "tls",
    remoteAddress: remoteAddress(socket),
    certificate,
    forwarded: false,
  });
}

/** The verified client certificate of a TLS socket, null when there is none. */
export function verifiedCertificate(socket: TLSSocket): ClientCertificate | null {
  if (!socket.authorized) return null;
  const peer = socket.getPeerCertificate();
  if (peer === null || peer.subject === undefined) return null;
  const commonName: unknown = peer.subject.CN;
  if (typeof commonName !== "string" || commonName === "") return null;
  return {
    commonName,
    fingerprint256: peer.fingerprint256,
    validFromMs: Date.parse(peer.valid_from),
    validToMs: Date.parse(peer.valid_to),
  };
}

function secureContext({ key, cert, ca }: TlsIdentity) {
  return ca === undefined ? { key, cert } : { key, cert, ca };
}

function remoteAddress(socket: Socket): string {
  const address = socket.remoteAddress ?? "unknown";
  // IPv4 over an IPv6 socket is still the same loopback.
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

async function bind(server: Server, { hostname, port }: ListenAddress): Promise<Listener> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: hostname, port, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  // Accepting may fail for a moment (no more descriptors): the next connection tries again.
  server.on("error", () => {});
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("Cannot read the bound address");
  const stop = () => stopListening(server);
  return { hostname: bound.address, port: bound.port, stop, [Symbol.asyncDispose]: stop };
}

/** Not waited for: node calls back only when the last connection is gone. */
function stopListening(server: Server): Promise<void> {
  if (server.listening) server.close();
  return Promise.resolve();
}
