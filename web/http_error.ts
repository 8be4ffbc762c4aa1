import { STATUS_CODES } from "node:http";

/**
 * Thrown by a handler or middleware to answer with `status` (400–599). The nearest `_404` or
 * `_error` file renders it; without one the answer is the status as plain text.
 */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message?: string, options?: ErrorOptions) {
    super(message ?? STATUS_CODES[status] ?? `HTTP ${status}`, options);
    this.name = "HttpError";
    this.status = status;
  }
}

/** What an error says about its answer: a status and extra headers. */
export interface ErrorAnswer {
  status: number;
  headers: Record<string, string>;
}

/**
 * Reads `status` and `headers` off any thrown value, so that error classes of the application
 * count as HTTP errors without this folder knowing them; everything else is a 500.
 */
export function errorAnswer(error: unknown): ErrorAnswer {
  const found = error instanceof Error ? error as Error & Partial<ErrorAnswer> : undefined;
  const status = found?.status;
  if (typeof status !== "number" || !Number.isInteger(status) || status < 400 || status > 599) {
    return { status: 500, headers: {} };
  }
  return { status, headers: { ...found?.headers } };
}

/** The standard words of a status: 404 → "Not Found". */
export function statusText(status: number): string {
  return STATUS_CODES[status] ?? "Error";
}
