import type { Context } from "hono";
import { DecodeError, HttpError, SluiceError, StoreFullError } from "@/model/errors.ts";

/** An error of the HTTP API, RFC 9457: `application/problem+json` with a stable code and a hint. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  hint: string;
}

const TITLES: Record<number, string> = {
  400: "Bad request",
  401: "Not signed in",
  403: "Not allowed",
  404: "Not found",
  405: "Method not allowed",
  408: "Request too slow",
  409: "Conflict",
  413: "Too large",
  415: "Unsupported content type",
  429: "Too many requests",
  431: "Headers too large",
  500: "Internal error",
  501: "Not in this version",
  503: "Not available now",
};

/** Turns any thrown value into the HTTP error that answers it; unknown ones say nothing of inside. */
export function asHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof StoreFullError) {
    const headers = { "Retry-After": String(error.retryAfterSeconds) };
    return new HttpError(503, error.message, { code: error.code, hint: error.hint, headers });
  }
  if (error instanceof DecodeError) {
    const status = error.reason === "too_large" ? 413 : 400;
    return new HttpError(status, error.message, { code: error.code, hint: error.hint });
  }
  if (error instanceof SluiceError) {
    return new HttpError(400, error.message, { code: error.code, hint: error.hint });
  }
  return new HttpError(500, "The request failed inside the gateway", {
    code: "HTTP-0500",
    hint: "look into the gateway's log for the cause",
    cause: error,
  });
}

export function problemOf(error: HttpError): Problem {
  return {
    type: `/docs/errors#${error.code}`,
    title: TITLES[error.status] ?? "Error",
    status: error.status,
    code: error.code,
    detail: error.message,
    hint: error.hint,
  };
}

/** Writes the answer for an error. */
export function sendProblem(c: Context, error: HttpError): Response {
  const headers = { ...error.headers, "Content-Type": "application/problem+json" };
  return c.body(JSON.stringify(problemOf(error)), error.status as 400, headers);
}
