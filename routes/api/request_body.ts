/**
 * Request bodies, read with a bound on everything: bytes, time, depth, keys. Compressed bodies are
 * not taken at all, so a small request never becomes a large one.
 */
import { HttpError } from "@/model/errors.ts";
import { textOf } from "@/model/decode/decode.ts";

export interface BodyLimits {
  bytesMax: number;
  /** From the first look at the body to its last byte. */
  deadlineMs: number;
  /** An empty body is an empty text; otherwise it is refused as a message would be. */
  mayBeEmpty?: boolean;
}

/** Largest body of the JSON API; a dead letter's payload comes back in one. */
export const JSON_BYTES_MAX = 256 * 1024;
const DEPTH_MAX = 16;
const KEYS_MAX = 2000;

/** Throws HttpError 415 unless the body has this type and is not compressed. */
export function requireType(request: Request, type: string): void {
  const sent = (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (sent === type && encoding === "identity") return;
  const what = sent === type ? `Content-Encoding "${encoding}"` : `Content-Type "${sent}"`;
  throw new HttpError(415, `Cannot read ${what}`, {
    code: "HTTP-0415",
    hint: `send "Content-Type: ${type}" without compression`,
  });
}

/**
 * At most `bytesMax` bytes of UTF-8; what was announced as longer is not read at all.
 * Throws HttpError 408, 413, DecodeError for bytes that are no UTF-8 and for none at all.
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<string> {
  const { bytesMax } = limits;
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(request, limits.deadlineMs)) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  if (bytes === 0 && limits.mayBeEmpty) return "";
  return textOf(joined(chunks, bytes));
}

async function* chunksOf(request: Request, deadlineMs: number): AsyncGenerator<Uint8Array> {
  if (request.body === null) return;
  const reader = request.body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow(deadlineMs)), deadlineMs);
  });
  try {
    while (true) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) return;
      yield value;
    }
  } finally {
    clearTimeout(timer);
    // Nobody waits for what still comes: the answer closes the connection's request.
    reader.cancel().catch(() => {});
  }
}

function joined(chunks: Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** A JSON body; an empty one is an empty object. Throws HttpError 400, 408, 413, 415. */
export async function readJson(request: Request, limits: BodyLimits): Promise<unknown> {
  requireType(request, "application/json");
  const text = await readBody(request, { ...limits, mayBeEmpty: true });
  if (text.trim() === "") return {};
  const value = parseJson(text);
  checkShape(value);
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw badBody(`The body is not JSON: ${words.slice(0, 120)}`, "send a JSON object", cause);
  }
}

/** Walks with a list of its own: a deep value must not become a deep stack. */
function checkShape(value: unknown): void {
  const open: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  let keys = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next.value !== "object" || next.value === null) continue;
    if (next.depth >= DEPTH_MAX) {
      throw badBody(`The body is nested deeper than ${DEPTH_MAX} levels`, "send a flatter value");
    }
    for (const [key, inner] of Object.entries(next.value)) {
      if (++keys > KEYS_MAX) {
        throw badBody(`The body has more than ${KEYS_MAX} keys and elements`, "send less at once");
      }
      if (key === "__proto__") throw badBody('The key "__proto__" is not taken', "rename the key");
      open.push({ value: inner, depth: next.depth + 1 });
    }
  }
}

function badBody(message: string, hint: string, cause?: unknown): HttpError {
  return new HttpError(400, message, { code: "HTTP-0400", hint, cause });
}

function tooLarge(bytesMax: number): HttpError {
  return new HttpError(413, `The body is larger than ${bytesMax} bytes`, {
    code: "HTTP-0413",
    hint: "split it into several messages",
  });
}

function tooSlow(deadlineMs: number): HttpError {
  return new HttpError(408, `The body did not arrive within ${deadlineMs / 1000} s`, {
    code: "HTTP-0408",
    hint:
      "send it again over a better connection, or split it; http.request_timeout sets the limit",
    headers: { Connection: "close" },
  });
}
