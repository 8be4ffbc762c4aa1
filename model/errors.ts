/**
 * The errors of Sluice. The class tells the caller what to do, the code is stable and documented,
 * the hint tells the operator what to do next.
 *
 * Message grammar: sentence case, no final period, the action that failed, quoted values, the cause
 * after a colon: `Cannot open serial port "/dev/ttyUSB0": permission denied`.
 */

/** What every error of ours carries besides its message. */
export interface ErrorDetails {
  /** Stable, upper case, documented in the error reference: `ING-0103`. */
  code: string;
  /** What the operator or the device's maker does next; one sentence without a final period. */
  hint: string;
  cause?: unknown;
}

/** Base of all our errors; catch a subclass, not this one, unless you are the edge that logs. */
export abstract class SluiceError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.hint = details.hint;
  }
}

/** The configuration or the command line is wrong: stop and say so. */
export class ConfigError extends SluiceError {}

/** Input cannot be understood: reject it, count it, keep it as a dead letter of its source. */
export class DecodeError extends SluiceError {
  /** Bounded word for counters and filters, for example `not_json`. */
  readonly reason: string;

  constructor(message: string, details: ErrorDetails & { reason: string }) {
    super(message, details);
    this.reason = details.reason;
  }
}

/** The other side is away, slow or overloaded: back off and try the same data again. */
export class TransientError extends SluiceError {
  /** The other side's own wish (`Retry-After`), in milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(message: string, details: ErrorDetails & { retryAfterMs?: number | null }) {
    super(message, details);
    this.retryAfterMs = details.retryAfterMs ?? null;
  }
}

/** The other side refuses this content for good: a dead letter. */
export class PermanentError extends SluiceError {}

/** No room is left for new data: stop acknowledging. */
export class StoreFullError extends SluiceError {
  /** When asking again makes sense, in seconds. */
  readonly retryAfterSeconds: number;

  constructor(message: string, details: ErrorDetails & { retryAfterSeconds?: number }) {
    super(message, details);
    this.retryAfterSeconds = details.retryAfterSeconds ?? 10;
  }
}

/** The answer of the web edge to a request that cannot be served. */
export class HttpError extends SluiceError {
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    message: string,
    details: ErrorDetails & { headers?: Record<string, string> },
  ) {
    super(message, details);
    this.status = status;
    this.headers = details.headers ?? {};
  }
}
