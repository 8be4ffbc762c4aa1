/** Addresses that are listened on, in words. */
import { ConfigError } from "@/model/errors.ts";

export type Protocol = "HTTP" | "MQTT" | "HTTPS" | "MQTT over TLS";

/** Where each is configured, and the flag where there is one. */
const SETTINGS: Record<Protocol, { key: string; flag?: string }> = {
  "HTTP": { key: "http.listen", flag: "--http" },
  "MQTT": { key: "mqtt.listen", flag: "--mqtt" },
  "HTTPS": { key: "tls.https_listen" },
  "MQTT over TLS": { key: "tls.mqtts_listen" },
};

/** Brackets IPv6. */
export function joinAddress(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** What to tell an operator about a port that cannot be had. */
export function listenError(
  protocol: Protocol,
  { hostname, port }: { hostname: string; port: number },
  cause: unknown,
): ConfigError {
  const { key, flag } = SETTINGS[protocol];
  const words = cause instanceof Error ? cause.message : String(cause);
  const taken = cause instanceof Deno.errors.AddrInUse || /EADDRINUSE|in use/i.test(words);
  const why = taken ? "another program uses this port" : words;
  const other = `set another port (${flag === undefined ? key : `${flag} or ${key}`})`;
  const hint = protocol === "MQTT" && taken
    ? `stop the other broker, ${other}, or set mqtt.listen = "off" and add a [[source]] of ` +
      `type "mqtt" that subscribes to that broker`
    : other;
  const address = joinAddress(hostname, port);
  return new ConfigError(`Cannot listen for ${protocol} on ${address}: ${why}`, {
    code: "NET-0101",
    hint,
    cause,
  });
}
