import type { z } from "zod";
import { ConfigError } from "@/model/errors.ts";
import type { FieldDescription } from "@/config/describe.ts";
import type { Origin } from "@/config/layers.ts";
import { nearest } from "@/config/nearest.ts";

/** One thing that is wrong with the configuration. */
export interface Problem {
  /** `mqtt.listen`, `destination.cloud.url`, a variable's name, or a file's. */
  path: string;
  /** The value as it may be shown, secrets masked; null where showing it says nothing. */
  shown: string | null;
  message: string;
  hint: string;
  origin: Origin;
}

const SHOWN_LENGTH_MAX = 80;

/** `***` for secrets; passwords inside URLs are masked too. */
export function showValue(value: unknown, options: { secret: boolean }): string {
  if (options.secret) return value === "" || value === null ? '""' : '"***"';
  const text = maskUrls(JSON.stringify(value, replaceInfinity) ?? "nothing");
  return text.length > SHOWN_LENGTH_MAX ? text.slice(0, SHOWN_LENGTH_MAX) + "…" : text;
}

/** Hides passwords in `scheme://user:password@host` and in `password=`, `token=` parameters. */
export function maskUrls(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/?#"]*):[^\s"]*@/gi, "$1:***@")
    .replace(/([?&](?:password|passwd|token|secret|sslpassword)=)[^&\s"]+/gi, "$1***");
}

function replaceInfinity(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** Where a problem was found: fields and origin of the section or entry that was checked. */
export interface ProblemPlace {
  /** `mqtt` or `destination.cloud`. */
  path: string;
  fields: FieldDescription[];
  /** Allowed values of `type` for an entry. */
  types: string[];
  value: unknown;
  originOf: (keys: string[]) => Origin;
}

/** Turns one finding of the schema into problems in our words: one per unknown key. */
export function problemsOf(issue: z.core.$ZodIssue, place: ProblemPlace): Problem[] {
  const keys = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey([...keys, key], place));
  }
  if (keys.at(-1) === "type" && place.types.length > 0) return [wrongType(place)];
  const field = place.fields.find((item) => item.keys.join(".") === keys.join("."));
  const value = valueAt(place.value, keys);
  const custom = issue.code === "custom" ? issue.params?.hint : undefined;
  return [{
    path: [place.path, ...keys].join("."),
    shown: value === undefined ? null : showValue(value, { secret: field?.secret ?? false }),
    message: issue.code === "custom" ? issue.message : "is not a table",
    hint: choiceHint(value, field) ??
      (typeof custom === "string" ? custom : tableHint(place, keys)),
    origin: place.originOf(keys),
  }];
}

/** One text with all problems, for people. */
export function describeProblems(problems: readonly Problem[]): string {
  const lines = problems.flatMap((problem) => {
    const value = problem.shown === null ? "" : ` = ${problem.shown}`;
    const from = problem.origin.name === problem.path ? "" : ` (${problem.origin.name})`;
    return [`  ${problem.path}${value}${from}: ${problem.message}`, `    → ${problem.hint}`];
  });
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [`${count} in the configuration:`, ...lines].join("\n");
}

/** The error with which a start ends. */
export function problemsError(problems: readonly Problem[]): ConfigError {
  return new ConfigError(describeProblems(problems), {
    code: "CFG-0001",
    hint: "correct the values above, then check with: sluice config check",
  });
}

function unknownKey(keys: string[], place: ProblemPlace): Problem {
  const above = keys.slice(0, -1);
  const siblings = place.fields
    .filter((field) => above.every((key, i) => field.keys[i] === key))
    .map((field) => field.keys[above.length]!);
  const known = [
    ...new Set(place.types.length > 0 && above.length === 0 ? [...siblings, "type"] : siblings),
  ];
  const candidate = nearest(keys.at(-1)!, known);
  return {
    path: [place.path, ...keys].filter((key) => key !== "").join("."),
    // Never the value: it may be a secret under a mistyped key.
    shown: null,
    message: "is not a known key",
    hint: candidate === null
      ? `known here: ${known.join(", ") || "none"}`
      : `did you mean ${JSON.stringify(candidate)}?`,
    origin: place.originOf(keys),
  };
}

function wrongType(place: ProblemPlace): Problem {
  const value = valueAt(place.value, ["type"]);
  const candidate = typeof value === "string" ? nearest(value, place.types) : null;
  const list = place.types.map((type) => JSON.stringify(type)).join(" or ");
  return {
    path: `${place.path}.type`,
    shown: value === undefined ? null : showValue(value, { secret: false }),
    message: value === undefined ? "is missing" : "is not a known type",
    hint: candidate === null ? `write ${list}` : `did you mean ${JSON.stringify(candidate)}?`,
    origin: place.originOf(["type"]),
  };
}

function choiceHint(value: unknown, field: FieldDescription | undefined): string | null {
  if (field === undefined || typeof value !== "string") return null;
  const candidate = nearest(value, field.choices);
  return candidate === null ? null : `did you mean ${JSON.stringify(candidate)}?`;
}

function tableHint(place: ProblemPlace, keys: string[]): string {
  const path = [place.path, ...keys].join(".");
  return place.types.length > 0 && keys.length === 0
    ? `write [[${path.split(".")[0]}]] above its keys`
    : `write [${path}] above its keys`;
}

function valueAt(value: unknown, keys: string[]): unknown {
  let at = value;
  for (const key of keys) {
    at = typeof at === "object" && at !== null && Object.hasOwn(at, key)
      ? (at as Record<string, unknown>)[key]
      : undefined;
  }
  return at;
}
