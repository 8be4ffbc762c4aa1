/**
 * The words on the control socket: one JSON object a line.
 *
 *   server  {"sluice":1,"version":"0.1.0","pid":42}                    once, at the start
 *   client  {"id":7,"operation":"queueStatus","arguments":[]}          a call
 *   server  {"id":7,"result":…}   or   {"id":7,"error":{…}}            its end
 *   server  {"id":8,"item":…,"dropped":3}                              a stream's next item
 *   client  {"id":8,"cancel":true}                                     ends a stream
 *
 * A line is bounded on both sides; whoever sends a longer one, or no JSON, is disconnected. The socket
 * lies in the data folder (0700): who can open it may do everything that the command line can.
 */
import {
  ConfigError,
  PermanentError,
  SluiceError,
  StoreFullError,
  TransientError,
} from "@/model/errors.ts";

export const PROTOCOL_VERSION = 1;

/** The largest packet (256 MiB) never comes this way; an edited payload or a page of letters does. */
export const FRAME_BYTES_MAX = 16 * 1024 * 1024;

export interface Greeting {
  sluice: number;
  version: string;
  pid: number;
}

export interface Call {
  id: number;
  operation: string;
  arguments: unknown[];
}

export interface Cancel {
  id: number;
  cancel: true;
}

export interface WireError {
  kind: "config" | "permanent" | "transient" | "full" | "other";
  code: string;
  message: string;
  hint: string;
  retryAfterMs: number | null;
}

export type Reply =
  | { id: number; result: unknown }
  | { id: number; error: WireError }
  | { id: number; item: unknown; dropped: number };

/** One frame as bytes, line feed included. */
export function encodeFrame(frame: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(frame, replaceBytes) + "\n");
}

/** Reads one frame; throws SyntaxError for what is no JSON. */
export function decodeFrame(line: string): unknown {
  return JSON.parse(line, reviveBytes);
}

const BYTES_KEY = "$base64";

function replaceBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { [BYTES_KEY]: value.toBase64() } : value;
}

function reviveBytes(_key: string, value: unknown): unknown {
  const base64 = typeof value === "object" && value !== null && Object.hasOwn(value, BYTES_KEY)
    ? (value as Record<string, unknown>)[BYTES_KEY]
    : null;
  return typeof base64 === "string" ? Uint8Array.fromBase64(base64) : value;
}

/** The lines of a connection, without their line feed; throws when one exceeds the bound. */
export async function* frames(
  readable: ReadableStream<Uint8Array>,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of readable) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield decoder.decode(join([...parts, chunk.subarray(start, end)]));
      [parts, length, start] = [[], 0, end + 1];
    }
    parts.push(chunk.slice(start));
    length += chunk.length - start;
    if (length > FRAME_BYTES_MAX) throw new RangeError(`Frame above ${FRAME_BYTES_MAX} bytes`);
  }
}

function join(parts: Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** An error as the other side can raise it again. */
export function wireError(error: unknown): WireError {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof SluiceError)) {
    const hint = "look into the gateway's log for what happened before";
    return { kind: "other", code: "CTL-0001", message, hint, retryAfterMs: null };
  }
  const { code, hint } = error;
  if (error instanceof StoreFullError) {
    return { kind: "full", code, message, hint, retryAfterMs: error.retryAfterSeconds * 1000 };
  }
  if (error instanceof TransientError) {
    return { kind: "transient", code, message, hint, retryAfterMs: error.retryAfterMs };
  }
  const kind = error instanceof ConfigError ? "config" : "permanent";
  return { kind, code, message, hint, retryAfterMs: null };
}

/** The error that `wireError` described. */
export function raisedError(error: WireError): SluiceError {
  const { kind, message, code, hint, retryAfterMs } = error;
  if (kind === "config") return new ConfigError(message, { code, hint });
  if (kind === "transient") return new TransientError(message, { code, hint, retryAfterMs });
  if (kind === "full") {
    const retryAfterSeconds = Math.ceil((retryAfterMs ?? 10_000) / 1000);
    return new StoreFullError(message, { code, hint, retryAfterSeconds });
  }
  return new PermanentError(message, { code, hint });
}
