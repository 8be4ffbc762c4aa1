/** SQLSTATE and driver errors to what a destination may throw. */
import { PermanentError, TransientError } from "@/model/errors.ts";
import { TABLE_COLUMNS } from "@/forward/postgres_schema.ts";

/** The parts of a server's error message that we read; see PostgreSQL's "Error Message Fields". */
export interface ServerError {
  /** SQLSTATE, five characters. */
  code: string;
  message: string;
  detail?: string;
  column_name?: string;
  table_name?: string;
}

interface Diagnosis {
  code: string;
  hint: string;
}

/** By SQLSTATE, or else by its class (the first two characters). All are no message's fault. */
const CONDITIONS: Record<string, Diagnosis> = {
  "28": { code: "FWD-0102", hint: "Check user, password and pg_hba.conf of the server" },
  "3D": { code: "FWD-0103", hint: "Create the database or correct its name in the url" },
  "3F": { code: "FWD-0104", hint: "Create the schema or correct search_path in the url" },
  "42501": {
    code: "FWD-0105",
    hint: "Grant the role CREATE on the schema, or INSERT and SELECT on the tables of the gateway",
  },
  "42": {
    code: "FWD-0106",
    hint:
      "The tables are not as the gateway makes them; it creates missing ones at the next attempt",
  },
  "25": {
    code: "FWD-0107",
    hint: "The server only reads (a standby?); point the url at the one that writes",
  },
  "53": { code: "FWD-0108", hint: "Give the server room: connections, memory or disk" },
  "57014": { code: "FWD-0109", hint: "The server is slow or a table is locked; see timeout_ms" },
};

const OTHER: Diagnosis = {
  code: "FWD-0101",
  hint: "See the server's log; the messages are kept and sent again",
};

/** Data exceptions, violated constraints, a trigger's RAISE, a value beyond the server's limits. */
const CONTENT_CLASSES: ReadonlySet<string> = new Set(["21", "22", "23", "44", "P0"]);
const CONTENT_CODES: ReadonlySet<string> = new Set(["54000"]);

export function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && "severity" in error && "code" in error;
}

/** The class of an error that the server sent while doing `action`. */
export function serverError(action: string, error: ServerError): TransientError | PermanentError {
  const message = `${action}: ${error.message}${error.detail ? ` (${error.detail})` : ""}` +
    `, SQLSTATE ${error.code}`;
  if (isContent(error)) {
    return new PermanentError(message, {
      code: "FWD-0111",
      hint: "Edit and replay the message, or change the constraint and replay it",
      cause: error,
    });
  }
  const diagnosis = CONDITIONS[error.code] ?? CONDITIONS[error.code.slice(0, 2)] ?? OTHER;
  return new TransientError(message, { ...diagnosis, cause: error });
}

/** An error of the network or the driver while doing `action`. */
export function connectionError(action: string, error: unknown): TransientError {
  if (error instanceof TransientError) return error;
  const cause = error instanceof Error ? error.message : String(error);
  return new TransientError(`${action}: ${cause}`, {
    code: "FWD-0100",
    hint: "Check that the server runs and can be reached at the url's host and port",
    cause: error,
  });
}

function isContent(error: ServerError): boolean {
  if (isForeignColumn(error)) return false;
  return CONTENT_CLASSES.has(error.code.slice(0, 2)) || CONTENT_CODES.has(error.code);
}

/** A NOT NULL column that somebody added: no message could ever satisfy it. */
function isForeignColumn({ code, table_name, column_name }: ServerError): boolean {
  if (code !== "23502") return false;
  const ours = TABLE_COLUMNS[table_name ?? ""];
  return ours !== undefined && !Object.hasOwn(ours, column_name ?? "");
}
