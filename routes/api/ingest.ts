/**
 * HTTP ingest: `POST /v1/ingest/{device}` for one message, `POST /v1/ingest` for NDJSON.
 *
 * The answer comes after the commit. Order of checks: credentials before a byte of the body is read,
 * then the rate, the content type, the size, the content.
 */
import { type Context, Hono } from "hono";
import { DecodeError, HttpError } from "@/model/errors.ts";
import { decodeIngestBody, splitIngestLine } from "@/model/decode/decode.ts";
import { checkDevice } from "@/model/decode/ingest_body.ts";
import { readBody, requireType } from "@/routes/api/request_body.ts";
import { approachOf, type HttpApproach, type HttpEnv } from "@/routes/http_env.ts";

/** What ingest over HTTP needs of the rest; fulfilled by `gateway.ts`. */
export interface IngestPort {
  /** Who sends and which device ids it may write; throws HttpError 401, 429. */
  authenticate(approach: HttpApproach): Promise<Sender>;
  /** Seconds to wait, 0 when one more request of this sender may pass. */
  rateLimit(sender: Sender): number;
  /** Commits one message; rejects with StoreFullError when there is no room. */
  take(message: IngestMessage): Promise<{ id: string | null; duplicate: boolean }>;
  /** Throws HttpError 503 while starting, draining or full. */
  assertReady(): void;
}

export interface Sender {
  mayWrite: (device: string) => boolean;
  address: string;
  /** Device id of the credential; null for an anonymous sender. */
  deviceId: string | null;
}

export interface IngestMessage {
  device: string;
  body: string;
  traceId: string | null;
  idempotencyKey: string | null;
}

export interface IngestLimits {
  bodyBytesMax: number;
  batchBytesMax: number;
  batchLinesMax: number;
  /** How long a body may take to arrive. */
  deadlineMs: number;
}

interface LineResult {
  line: number;
  status: "accepted" | "duplicate" | "rejected" | "refused";
  id?: string | null;
  code?: string;
  reason?: string;
  detail?: string;
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

/** `limits` is asked for each request: a reload changes them. */
export function ingestRoutes(port: IngestPort, limits: () => IngestLimits): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.post("/v1/ingest/:device", (c) => ingestOne(c, { port, limits: limits() }));
  app.post("/v1/ingest", (c) => ingestBatch(c, { port, limits: limits() }));
  return app;
}

interface Parts {
  port: IngestPort;
  limits: IngestLimits;
}

async function ingestOne(c: Context<HttpEnv>, { port, limits }: Parts): Promise<Response> {
  const sender = await port.authenticate(approachOf(c));
  const device = deviceOf(c.req.param("device") ?? "", sender.mayWrite);
  pass(port.rateLimit(sender));
  requireType(c.req.raw, "application/json");
  port.assertReady();
  const { bodyBytesMax: bytesMax, deadlineMs } = limits;
  const body = await readBody(c.req.raw, { bytesMax, deadlineMs });
  decodeIngestBody(device, body);
  const { id, duplicate } = await port.take({ device, body, ...headersOf(c) });
  return c.json({ status: duplicate ? "duplicate" : "accepted", id }, 202);
}

async function ingestBatch(c: Context<HttpEnv>, { port, limits }: Parts): Promise<Response> {
  const sender = await port.authenticate(approachOf(c));
  pass(port.rateLimit(sender));
  requireType(c.req.raw, "application/x-ndjson");
  port.assertReady();
  const { batchBytesMax: bytesMax, deadlineMs } = limits;
  const text = await readBody(c.req.raw, { bytesMax, deadlineMs });
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  const wanted = lines.map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== "");
  if (wanted.length > limits.batchLinesMax) throw tooManyLines(wanted.length, limits);
  const headers = headersOf(c);
  const results = await Promise.all(wanted.map((each) => {
    const key = headers.idempotencyKey;
    const idempotencyKey = key === null ? null : `${key}:${each.number}`;
    return takeLine(each, { port, sender, headers: { ...headers, idempotencyKey } });
  }));
  return c.json({ results }, batchStatus(results), retryHeader(results));
}

function batchStatus(results: LineResult[]): 202 | 400 | 503 {
  if (results.some((result) => result.status === "refused")) return 503;
  const rejectedAll = results.every((result) => result.status === "rejected");
  return results.length > 0 && rejectedAll ? 400 : 202;
}

function retryHeader(results: LineResult[]): Record<string, string> {
  return results.some((result) => result.status === "refused") ? { "Retry-After": "10" } : {};
}

interface LineContext {
  port: IngestPort;
  sender: { mayWrite: (device: string) => boolean };
  headers: ReturnType<typeof headersOf>;
}

/** One line's own result: a bad line never takes its neighbours with it. */
async function takeLine(
  { line, number }: { line: string; number: number },
  { port, sender, headers }: LineContext,
): Promise<LineResult> {
  try {
    const { device, body } = splitIngestLine(line);
    deviceOf(device, sender.mayWrite);
    decodeIngestBody(device, body);
    const { id, duplicate } = await port.take({ device, body, ...headers });
    return { line: number, status: duplicate ? "duplicate" : "accepted", id };
  } catch (error) {
    return failedLine(number, error);
  }
}

function failedLine(line: number, error: unknown): LineResult {
  if (error instanceof DecodeError) {
    const detail = `${error.message}. ${error.hint}`;
    return { line, status: "rejected", code: error.code, reason: error.reason, detail };
  }
  if (error instanceof HttpError) {
    return { line, status: "rejected", code: error.code, detail: error.message };
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "HTTP-0503";
  return { line, status: "refused", code, detail: "Not stored, send this line again" };
}

function deviceOf(device: string, mayWrite: (device: string) => boolean): string {
  checkDevice(device);
  if (mayWrite(device)) return device;
  throw new HttpError(403, `This credential may not write as "${device}"`, {
    code: "HTTP-0403",
    hint: "use the credential of that device",
  });
}

function headersOf(c: Context<HttpEnv>): { traceId: string | null; idempotencyKey: string | null } {
  const trace = TRACEPARENT.exec(c.req.header("traceparent") ?? "")?.[1] ?? null;
  const key = c.req.header("idempotency-key") ?? null;
  if (key !== null && !IDEMPOTENCY_KEY.test(key)) {
    throw new HttpError(400, "Invalid Idempotency-Key", {
      code: "HTTP-0400",
      hint: "use 1 to 200 printable ASCII characters without spaces",
    });
  }
  return { traceId: trace === "0".repeat(32) ? null : trace, idempotencyKey: key };
}

function pass(waitSeconds: number): void {
  if (waitSeconds === 0) return;
  throw new HttpError(429, "Too many messages from this sender", {
    code: "HTTP-0429",
    hint: "send less often or in NDJSON batches; http.rate_per_second sets the limit",
    headers: { "Retry-After": String(Math.ceil(waitSeconds)) },
  });
}

function tooManyLines(count: number, limits: IngestLimits): HttpError {
  return new HttpError(413, `The batch has ${count} lines, ${limits.batchLinesMax} are allowed`, {
    code: "HTTP-0413",
    hint: "split it into several requests",
  });
}
