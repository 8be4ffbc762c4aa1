import { TransientError } from "@/model/errors.ts";
import type { PostgresOptions, TlsOptions } from "@/forward/forward_types.ts";
import { type Endpoint, isLoopback, type TlsTrust } from "@/forward/tls_socket.ts";

/** What a `postgres://` URL and the options beside it say. */
export interface PostgresTarget {
  endpoint: Endpoint;
  user: string;
  password: string;
  database: string;
  /** null: no TLS */
  trust: TlsTrust | null;
  /** Every other parameter of the URL is a setting of the session, such as `search_path`. */
  settings: Record<string, string>;
}

const PORT = 5432;

/**
 * Reads the URL.
 *
 * @throws TransientError: the configuration may be corrected while messages wait
 */
export function parsePostgresUrl(options: PostgresOptions): PostgresTarget {
  const url = toUrl(options);
  const { sslmode, application_name, ...settings } = Object.fromEntries(url.searchParams);
  const host = decodeURIComponent(url.hostname.replace(/^\[(.*)\]$/, "$1"));
  const user = decodeURIComponent(url.username);
  if (host === "" || user === "") throw refused(options, "it names no host or no user");
  return {
    endpoint: { host, port: url.port === "" ? PORT : Number(url.port) },
    user,
    password: options.password ?? decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)) || user,
    trust: trustOf(options, { sslmode, host }),
    settings: { ...settings, application_name: application_name ?? "sluice" },
  };
}

function toUrl(options: PostgresOptions): URL {
  const url = URL.parse(options.url);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw refused(options, "it is no postgres:// url");
  }
  return url;
}

function trustOf(
  options: PostgresOptions,
  { sslmode, host }: { sslmode: string | undefined; host: string },
): TlsTrust | null {
  const { mode, ca } = options.tls;
  const chosen = mode === "auto"
    ? modeOf(options, sslmode ?? (isLoopback(host) ? "disable" : "verify-full"))
    : mode;
  if (chosen === "off") return null;
  return {
    ca,
    rejectUnauthorized: chosen !== "insecure",
    checkName: sslmode !== "verify-ca",
  };
}

/** libpq's words: its `require` encrypts and proves nothing. */
function modeOf(options: PostgresOptions, sslmode: string): Exclude<TlsOptions["mode"], "auto"> {
  if (sslmode === "disable") return "off";
  if (sslmode === "require") return "insecure";
  if (sslmode === "verify-ca" || sslmode === "verify-full") return "verify";
  throw refused(
    options,
    `sslmode "${sslmode}" is not one of disable, require, verify-ca, verify-full`,
  );
}

function refused(options: PostgresOptions, why: string): TransientError {
  return new TransientError(`Cannot use the url of destination "${options.name}": ${why}`, {
    code: "FWD-0112",
    hint: "Write postgres://user:password@host:5432/database",
  });
}
