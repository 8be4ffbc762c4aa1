/** What InfluxDB 2 and 3 answer to a write, and what it means for the messages in it. */
import { PermanentError, TransientError } from "@/model/errors.ts";

/** An answer as read from the wire. */
export interface InfluxAnswer {
  status: number;
  /** The first characters of the body. */
  body: string;
  retryAfterMs: number | null;
}

export type WriteVerdict =
  | { kind: "stored" }
  /** Stored but for these lines (counted from 1), each with what is wrong with it. */
  | { kind: "lines_refused"; lines: Map<number, string> }
  /** Something in the request is refused; nothing says what. */
  | { kind: "content_refused"; error: PermanentError }
  /** The same, but the answer might also mean the request as such. */
  | { kind: "unclear"; error: PermanentError }
  | { kind: "too_large"; error: PermanentError }
  | { kind: "failed"; error: TransientError };

const HINTS: Record<number, { code: string; hint: string }> = {
  401: { code: "FWD-0201", hint: "Check the token; it may have been revoked" },
  403: { code: "FWD-0202", hint: "Give the token the right to write to the bucket" },
  404: { code: "FWD-0203", hint: "Create the bucket, or correct url, org and bucket" },
  429: { code: "FWD-0204", hint: "Nothing to do; the server asked for a pause" },
  503: { code: "FWD-0205", hint: "Nothing to do; the server asked for a pause" },
};

export function judgeWrite(answer: InfluxAnswer, name: string): WriteVerdict {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return { kind: "stored" };
  const message = `Cannot write to InfluxDB destination "${name}": ${status} ${reasonOf(body)}`;
  if (status === 413) {
    const hint = "Raise the server's limit of the request body, or send smaller messages";
    return { kind: "too_large", error: new PermanentError(message, { code: "FWD-0211", hint }) };
  }
  if (status === 400 || status === 422) return judgeRefusal({ answer, message });
  return { kind: "failed", error: failure(message, answer) };
}

/** The error of an answer that is no message's fault. */
export function failure(message: string, { status, retryAfterMs }: InfluxAnswer): TransientError {
  if (status >= 300 && status < 400) {
    const hint = "Write the address that the server redirects to into the url; it is not followed";
    return new TransientError(message, { code: "FWD-0206", hint });
  }
  const known = HINTS[status] ??
    { code: "FWD-0200", hint: "See the server's log; the messages are kept and sent again" };
  return new TransientError(message, { ...known, retryAfterMs });
}

/** Milliseconds that a `Retry-After` asks for; a date counts from the server's own clock. */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return null;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  if (Number.isNaN(at)) return null;
  const date = Date.parse(headers.get("date") ?? "");
  return Math.max(0, at - (Number.isNaN(date) ? nowMs : date));
}

function judgeRefusal(
  { answer, message }: { answer: InfluxAnswer; message: string },
): WriteVerdict {
  const lines = refusedLines(answer.body);
  if (lines.size > 0) return { kind: "lines_refused", lines };
  const error = new PermanentError(message, {
    code: "FWD-0212",
    hint: "Edit the message and replay it; a field may have another type in the bucket",
  });
  const clear = answer.status === 422 || /pars|partial write|"invalid"/.test(answer.body);
  return { kind: clear ? "content_refused" : "unclear", error };
}

/** InfluxDB 3 names each line that it did not take and stores the others. */
function refusedLines(body: string): Map<number, string> {
  const lines = new Map<number, string>();
  const data = (parseJson(body) as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) return lines;
  for (const { line_number, error_message } of data) {
    if (Number.isInteger(line_number)) lines.set(line_number, String(error_message));
  }
  return lines;
}

/** The server's own words: `message` (v2), `error` (v1, v3), or the text. */
function reasonOf(body: string): string {
  const json = parseJson(body) as Record<string, unknown> | null;
  const words = json?.message ?? json?.error ?? body;
  return String(words).slice(0, 400).replace(/\s+/g, " ").trim();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
