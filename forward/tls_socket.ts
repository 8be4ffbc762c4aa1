/** TCP and TLS connections that end when their signal aborts, with errors an operator can read. */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { TransientError } from "@/model/errors.ts";
import { abortedError } from "@/forward/destination.ts";

export interface Endpoint {
  host: string;
  port: number;
}

/** Trust for one connection; null stands for no TLS. */
export interface TlsTrust {
  ca: string | null;
  rejectUnauthorized: boolean;
  /** False checks the chain but not the name (`sslmode=verify-ca`). */
  checkName: boolean;
}

/**
 * Opens a TCP connection.
 *
 * @throws TransientError
 */
export async function openSocket(endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ host: endpoint.host, port: endpoint.port, noDelay: true });
  socket.on("error", () => {}); // one that nobody waits for is followed by "close"
  await settled(socket, { event: "connect", what: `connect to ${place(endpoint)}`, signal });
  return socket;
}

/**
 * Starts TLS on an open connection.
 *
 * @throws TransientError
 */
export async function startTls(
  socket: Socket,
  { endpoint, trust, signal }: { endpoint: Endpoint; trust: TlsTrust; signal: AbortSignal },
): Promise<TLSSocket> {
  const secured = connectTls({
    socket,
    host: endpoint.host,
    servername: isIP(endpoint.host) === 0 ? endpoint.host : undefined,
    rejectUnauthorized: trust.rejectUnauthorized,
    ...trust.ca === null ? {} : { ca: trust.ca },
    ...trust.checkName ? {} : { checkServerIdentity: () => undefined },
  });
  secured.on("error", () => {});
  await settled(secured, {
    event: "secureConnect",
    what: `start TLS with ${place(endpoint)}`,
    signal,
  });
  return secured;
}

/** One byte sent by the other side before anything else. */
export async function firstByte(socket: Socket, signal: AbortSignal): Promise<number> {
  const bytes = await settled(socket, { event: "data", what: "agree on TLS", signal });
  return (bytes as Uint8Array)[0] ?? 0;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

export function place({ host, port }: Endpoint): string {
  return host.includes(":") ? `"[${host}]:${port}"` : `"${host}:${port}"`;
}

/** Waits for one event; on error, close or abort the socket is destroyed. */
function settled(
  socket: Socket,
  { event, what, signal }: { event: string; what: string; signal: AbortSignal },
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const onError = (error: Error) => reject(networkError(what, error));
  const onClose = () => reject(networkError(what, new Error("the connection was closed")));
  const onAbort = () => reject(abortedError(`The attempt to ${what}`, signal));
  socket.once(event, resolve).once("error", onError).once("close", onClose);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return promise.then(
    (value) => value,
    (error) => {
      socket.destroy();
      throw error;
    },
  ).finally(() => {
    socket.off(event, resolve).off("error", onError).off("close", onClose);
    signal.removeEventListener("abort", onAbort);
  });
}

function networkError(what: string, error: Error): TransientError {
  return new TransientError(`Cannot ${what}: ${error.message}`, {
    code: "FWD-0010",
    hint: "Check the address, the network and the certificate of the other side",
    cause: error,
  });
}
