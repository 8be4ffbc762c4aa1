import { onFreePort } from "@/tests/helpers/free_port.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";

export interface PostgresOptions {
  /** Lines of postgresql.conf over the test defaults (no fsync, loopback only). */
  settings?: Record<string, string>;
  /** Turns TLS on with this certificate and key (PEM). */
  tls?: { certificate: string; key: string };
}

const BINARIES = "/usr/lib/postgresql/15/bin";
const SUPERUSER = "postgres";
const LOG_FILE = "postgresql.log";

/**
 * A real PostgreSQL 15 on a free loopback port, with its own data folder and a password.
 * Needs `--allow-run` for `initdb`, `postgres`, `psql`, `setpriv`, `chown` and `id`.
 */
export class PostgresServer implements AsyncDisposable {
  readonly password = "Pa55 w0rd/#?";
  readonly #folder: TempDir;
  readonly #settings: Record<string, string>;
  #process: ServerProcess | null = null;
  #port = 0;
  #databases = 0;

  private constructor(folder: TempDir, settings: Record<string, string>) {
    this.#folder = folder;
    this.#settings = settings;
  }

  static async start(options: PostgresOptions = {}): Promise<PostgresServer> {
    const folder = await TempDir.create("sluice-postgres-");
    try {
      const settings = { ...defaultSettings(), ...options.settings };
      const server = new PostgresServer(folder, settings);
      await server.#create(options);
      await onFreePort(async (port) => {
        server.#port = port;
        await server.resume();
      });
      return server;
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  /** What the server has logged since it was created. */
  get log(): string {
    return Deno.readTextFileSync(this.#folder.join("data", "log", LOG_FILE));
  }

  url(
    at: { database?: string; user?: string; password?: string; port?: number; query?: string } = {},
  ): string {
    const user = encodeURIComponent(at.user ?? SUPERUSER);
    const password = encodeURIComponent(at.password ?? this.password);
    const port = at.port ?? this.#port;
    const query = at.query === undefined ? "" : `?${at.query}`;
    return `postgres://${user}:${password}@127.0.0.1:${port}/${at.database ?? "postgres"}${query}`;
  }

  /** Makes an empty database and returns its name. */
  async createDatabase(): Promise<string> {
    const name = `test_${++this.#databases}`;
    await this.execute(`CREATE DATABASE ${name}`);
    return name;
  }

  /** Runs statements through psql; stops at the first error. */
  async execute(sql: string, options: { database?: string } = {}): Promise<string> {
    return await run("psql", {
      args: [
        ...["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"],
        ...["--set", "ON_ERROR_STOP=1", "--host", "127.0.0.1", "--port", String(this.#port)],
        ...["--username", SUPERUSER, "--dbname", options.database ?? "postgres"],
      ],
      env: { PGPASSWORD: this.password, PGTZ: "UTC", PGCONNECT_TIMEOUT: "10" },
      input: sql,
    });
  }

  /** The rows of one SELECT as PostgreSQL's own `json_agg` writes them. */
  async query<Row = Record<string, unknown>>(
    select: string,
    options: { database?: string } = {},
  ): Promise<Row[]> {
    const text = await this.execute(
      `SELECT coalesce(json_agg(selected_row), '[]') FROM (${select}) AS selected_row`,
      options,
    );
    return JSON.parse(text);
  }

  /** `fast` ends sessions and writes out; `immediate` is a crash. */
  async stop(how: "fast" | "immediate" = "fast"): Promise<void> {
    const process = this.#process;
    this.#process = null;
    await process?.stop(how === "fast" ? "SIGINT" : "SIGQUIT");
  }

  /** Starts again on the same port and data after `stop`. */
  async resume(): Promise<void> {
    await this.stop("immediate");
    const [command, { args }] = asServerUser(`${BINARIES}/postgres`, this.#arguments());
    const process = new ServerProcess(command, { args, stopSignal: "SIGQUIT" });
    this.#process = process;
    const state = await until(() => this.#answersOrEnded(process), { what: "PostgreSQL answers" });
    if (state === "ended") throw new Error(process.describe("ended at its start"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("immediate");
    await this.#folder[Symbol.asyncDispose]();
  }

  async #create({ tls }: PostgresOptions): Promise<void> {
    const secret = this.#folder.join("password");
    await Deno.writeTextFile(secret, this.password);
    if (tls) await this.#writeTls(tls);
    if (Deno.uid() === 0) await run("chown", { args: ["-R", SUPERUSER, this.#folder.path] });
    await run(...asServerUser(`${BINARIES}/initdb`, [
      ...["--pgdata", this.#folder.join("data"), "--username", SUPERUSER, "--pwfile", secret],
      ...["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"],
    ]));
  }

  async #writeTls(tls: { certificate: string; key: string }): Promise<void> {
    await Deno.writeTextFile(this.#folder.join("server.pem"), tls.certificate);
    await Deno.writeTextFile(this.#folder.join("server.key"), tls.key, { mode: 0o600 });
    this.#settings.ssl = "on";
    this.#settings.ssl_cert_file = this.#folder.join("server.pem");
    this.#settings.ssl_key_file = this.#folder.join("server.key");
  }

  #arguments(): string[] {
    // into a file: a server shared by several tests must not write to a pipe that one of them reads
    const log = { logging_collector: "on", log_directory: "log", log_filename: LOG_FILE };
    const settings = { ...log, ...this.#settings, port: String(this.#port) };
    const pairs = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    return ["-D", this.#folder.join("data"), ...pairs];
  }

  async #answersOrEnded(process: ServerProcess): Promise<boolean | "ended"> {
    if (!process.running) return "ended";
    return await this.execute("SELECT 1").then(() => true);
  }
}

function defaultSettings(): Record<string, string> {
  return {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    // A killed server loses nothing without fsync, only a machine that loses power would.
    fsync: "off",
    full_page_writes: "off",
    shared_buffers: "64MB",
    max_wal_size: "4GB",
    max_connections: "40",
    "log_line_prefix": "%p ",
  };
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package made. */
function asServerUser(command: string, args: string[]): [string, { args: string[] }] {
  if (Deno.uid() !== 0) return [command, { args }];
  const drop = ["--reuid", SUPERUSER, "--regid", SUPERUSER, "--clear-groups", "--"];
  return ["setpriv", { args: [...drop, command, ...args] }];
}
