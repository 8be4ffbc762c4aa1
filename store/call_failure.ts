/** Errors of calls as plain data between the threads, and back: the class says what to do next. */
import { ConfigError, PermanentError, SluiceError, StoreFullError } from "@/model/errors.ts";
import { sqliteFailure } from "@/store/database.ts";
import { reasonOf } from "@/store/data_folder.ts";
import type { CallFailure } from "@/store/worker_protocol.ts";

export function failureOf(error: unknown): CallFailure {
  const known = mustWait(error) ? notNow(reasonOf(error)) : error;
  const message = reasonOf(known);
  if (!(known instanceof SluiceError)) {
    return { kind: "other", message, code: "STO-0500", hint: "See the log for the cause" };
  }
  const { code, hint } = known;
  if (known instanceof ConfigError) return { kind: "config", message, code, hint };
  if (known instanceof PermanentError) return { kind: "permanent", message, code, hint };
  return { kind: known instanceof StoreFullError ? "full" : "other", message, code, hint };
}

export function errorOf({ kind, message, code, hint }: CallFailure): Error {
  if (kind === "config") return new ConfigError(message, { code, hint });
  if (kind === "permanent") return new PermanentError(message, { code, hint });
  if (kind === "full") return new StoreFullError(message, { code, hint });
  return new Error(message);
}

/** Nothing is wrong with what was asked: the same again may work later. */
export function notNow(reason: string): StoreFullError {
  return new StoreFullError(`Cannot write: ${reason}`, {
    code: "STO-0210",
    hint: "Make room on the disk or look into the log for what is wrong with it, then try again",
  });
}

/** The disk refuses, or another program holds the database. */
function mustWait(error: unknown): boolean {
  const failure = sqliteFailure(error);
  return failure === "full" || failure === "io" || failure === "busy";
}
