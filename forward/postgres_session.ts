/**
 * One connection to PostgreSQL, from connecting to closing; nothing reconnects by itself.
 *
 * The driver gets its socket from us, once: so an abort can destroy it whatever the server does
 * (a server that accepts and never answers would hold the driver for ever), TLS follows our rules,
 * and a closed connection is an error instead of the driver's own endless reconnecting.
 */
import "@/forward/driver_environment.ts";
import type { Socket } from "node:net";
import type postgres from "postgres";
import { abortedError } from "@/forward/destination.ts";
import { connectionError, isServerError, serverError } from "@/forward/postgres_errors.ts";
import type { PostgresTarget } from "@/forward/postgres_url.ts";
import { firstByte, openSocket, startTls } from "@/forward/tls_socket.ts";
import { TransientError } from "@/model/errors.ts";

/** Length 8 and the code 80877103; see "SSLRequest" in PostgreSQL's message formats. */
const SSL_REQUEST = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);
const SSL_ACCEPTED = 0x53; // "S"

export class PostgresSession {
  readonly #sql: postgres.Sql;
  readonly #socket: Socket;
  #closed = false;
  #closing = false;
  /** Called once when the connection breaks although nobody closed it. */
  onLost: ((error: TransientError) => void) | null = null;

  private constructor(sql: postgres.Sql, socket: Socket) {
    this.#sql = sql;
    this.#socket = socket;
    socket.once("close", () => this.#onClose());
  }

  /**
   * Connects and signs in. The server ends any statement after `statementTimeoutMs` by itself, so
   * that one of ours does not go on there after we have given up.
   *
   * @throws TransientError
   */
  static async open(
    target: PostgresTarget,
    { statementTimeoutMs, signal }: { statementTimeoutMs: number; signal: AbortSignal },
  ): Promise<PostgresSession> {
    // Loaded by the first destination of its kind: a gateway without one is ready sooner, and smaller.
    const { default: connectDriver } = await import("postgres");
    const socket = await connect(target, signal);
    const sql = connectDriver(driverOptions(target, socket)) as postgres.Sql;
    const session = new PostgresSession(sql, socket);
    try {
      await session.run(`SET statement_timeout = ${Math.ceil(statementTimeoutMs)}`, {
        action: "Cannot sign in",
        signal,
      });
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  get usable(): boolean {
    return !this.#closed && !this.#closing;
  }

  /**
   * Runs a statement and returns its rows; without parameters there may be several, separated by
   * semicolons. An abort destroys the connection.
   *
   * @throws TransientError, PermanentError by what the server says (postgres_errors.ts)
   */
  async run<Row extends object>(
    statement: string,
    { parameters, action, signal }: {
      parameters?: (string | null)[];
      /** What fails when it fails: `Cannot write to "readings"`. */
      action: string;
      signal: AbortSignal;
    },
  ): Promise<Row[]> {
    if (signal.aborted) this.destroy();
    if (!this.usable) throw this.#failure(action, { signal, cause: "the connection is closed" });
    const onAbort = () => this.destroy();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await this.#execute<Row>(statement, parameters);
    } catch (error) {
      throw this.#failure(action, { signal, cause: error });
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Breaks the connection at once. */
  destroy(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  /** Says goodbye to the server, or breaks the connection when `signal` aborts first. */
  async close(signal: AbortSignal): Promise<void> {
    this.#closing = true;
    const onAbort = () => this.#socket.destroy();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    const closed = new Promise<void>((resolve) => {
      if (this.#closed) resolve();
      else this.#socket.once("close", () => resolve());
    });
    // the driver's own promise never settles when a query was cut off
    await Promise.race([closed, this.#sql.end().then(() => this.#socket.end(), () => {})]);
    await closed;
    signal.removeEventListener("abort", onAbort);
  }

  /** The driver's promise may stay pending when the socket is destroyed under it: closing ends it. */
  #execute<Row extends object>(statement: string, parameters?: (string | null)[]): Promise<Row[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Row[]>();
    const onClose = () => reject(new Error("the connection was closed"));
    this.#socket.once("close", onClose);
    const query = parameters === undefined
      ? this.#sql.unsafe<Row[]>(statement)
      : this.#sql.unsafe<Row[]>(statement, parameters, { prepare: true });
    query.then((rows) => resolve(rows), reject);
    return promise.finally(() => this.#socket.off("close", onClose));
  }

  #failure(action: string, { signal, cause }: { signal: AbortSignal; cause: unknown }): Error {
    if (signal.aborted) return abortedError(action, signal);
    if (isServerError(cause)) return serverError(action, cause);
    this.destroy(); // whatever the driver thinks of it, this connection is not to be trusted
    return connectionError(action, cause);
  }

  #onClose(): void {
    this.#closed = true;
    if (this.#closing) return;
    this.onLost?.(connectionError("The connection was lost", "closed by the server"));
  }
}

/** @throws TransientError */
async function connect(target: PostgresTarget, signal: AbortSignal): Promise<Socket> {
  const socket = await openSocket(target.endpoint, signal);
  if (target.trust === null) return socket;
  socket.write(SSL_REQUEST);
  if (await firstByte(socket, signal) === SSL_ACCEPTED) {
    return await startTls(socket, { endpoint: target.endpoint, trust: target.trust, signal });
  }
  socket.destroy();
  throw new TransientError("Cannot start TLS: the server does not speak it", {
    code: "FWD-0113",
    hint: 'Turn "ssl" on at the server, or set tls = "off" where the network is trusted',
  });
}

/** Every setting that the driver would otherwise look for elsewhere is given. */
function driverOptions(target: PostgresTarget, socket: Socket) {
  let handedOut = false;
  return {
    host: target.endpoint.host,
    port: target.endpoint.port,
    user: target.user,
    password: target.password,
    database: target.database,
    connection: target.settings,
    socket: () => {
      if (handedOut) throw new Error("the connection was closed");
      handedOut = true;
      return socket;
    },
    max: 1,
    ssl: false,
    fetch_types: false,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 0,
    onnotice: () => {},
  } as postgres.Options<Record<string, never>>;
}
