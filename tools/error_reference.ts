/**
 * `docs/reference/errors.md`: every code that a message may carry, read from the sources, with the
 * words of the message and what to do next. An error is made where it happens, so nobody has to keep
 * a second list, and none can be forgotten.
 */
import { DECODE_REASONS } from "@/model/decode/reasons.ts";
import { findSourceFiles } from "@/tools/repository_files.ts";
import { REPOSITORY } from "@/tools/product.ts";
import { type SourceToken, tokensOf } from "@/tools/source_tokens.ts";

export const ERRORS_PATH = "docs/reference/errors.md";

const CODE = /^[A-Z]{3,4}-\d{4}$/;
/** Whose codes an operator never meets. */
const OTHERS = /^(tests|tools|bench|deploy|firmware)\/|_test\.tsx?$|(fixture|contract)\.ts$/;

const TITLES: Record<string, string> = {
  AUTH: "People, devices, sign-in",
  CFG: "Configuration",
  CLI: "Commands",
  CTL: "Commands on a running gateway",
  DASH: "Dashboards",
  FWD: "Destinations",
  HTTP: "Requests",
  ING: "Input that cannot be taken",
  NET: "Listening",
  ORD: "Requests for device kits",
  SRC: "Sources",
  STO: "Storage",
  TLS: "Certificates",
  WEB: "Pages",
};

/** One place that gives a code. */
export interface ErrorUse {
  code: string;
  /** HTTP status where it is an answer; null elsewhere. */
  status: string | null;
  /** "" where the text comes from elsewhere, with "…" for what differs each time. */
  message: string;
  hint: string;
}

/** Every use of a code in a source, in order. */
export function errorUses(source: string): ErrorUse[] {
  const tokens = tokensOf(source);
  const uses: ErrorUse[] = [];
  for (let i = 2; i < tokens.length; i++) {
    const isCode = tokens[i]!.kind === "text" && CODE.test(tokens[i]!.value) &&
      tokens[i - 1]!.value === ":" && tokens[i - 2]!.value === "code";
    if (isCode) uses.push(useAt(tokens, i));
  }
  return uses;
}

function useAt(tokens: SourceToken[], at: number): ErrorUse {
  const open = openBefore(tokens, at);
  const fields = fieldsOf(tokens, open);
  const made = constructorOf(tokens, open);
  const hint = fields.get("hint") ?? constantBefore(tokens, { at, name: "hint" });
  return {
    code: tokens[at]!.value,
    status: made?.status ?? null,
    message: made?.message ?? fields.get("message") ?? fields.get("title") ?? "",
    hint,
  };
}

/** Index of the bracket that is open at `at`. */
function openBefore(tokens: SourceToken[], at: number): number {
  let depth = 0;
  for (let i = at - 1; i > 0; i--) {
    if (isMark(tokens[i], "}", ")", "]")) depth++;
    if (isMark(tokens[i], "{", "(", "[") && depth-- === 0) return i;
  }
  return 0;
}

/** Texts of the fields of an object literal. */
function fieldsOf(tokens: SourceToken[], open: number): Map<string, string> {
  const fields = new Map<string, string>();
  let depth = 0;
  for (let i = open + 1; i < tokens.length && depth >= 0; i++) {
    const isField = depth === 0 && tokens[i]!.kind === "name" && isMark(tokens[i + 1], ":");
    if (isField) fields.set(tokens[i]!.value, textFrom(tokens, i + 2));
    if (isMark(tokens[i], "{", "(", "[")) depth++;
    if (isMark(tokens[i], "}", ")", "]")) depth--;
  }
  return fields;
}

/** Strings that are added up from here to the next comma or closing bracket; names become "…". */
function textFrom(tokens: SourceToken[], start: number): string {
  let text = "";
  let depth = 0;
  for (let i = start; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (depth === 0 && isMark(token, ",", ";", "}", ")", "]")) break;
    if (isMark(token, "(", "{", "[")) depth++;
    if (isMark(token, ")", "}", "]")) depth--;
    if (token.kind === "text" && depth === 0) {
      text += isAnother(tokens, i) ? ` / ${token.value}` : token.value;
    }
    if (token.kind === "name" && depth === 0 && isMark(tokens[i - 1], "+")) text += "…";
  }
  return text;
}

/** The second text of `condition ? one : other`. */
function isAnother(tokens: SourceToken[], at: number): boolean {
  return isMark(tokens[at - 1], ":") && tokens[at - 2]?.kind === "text";
}

/** What `new XError(status?, message, {` says in front of the object that opens at `open`. */
function constructorOf(
  tokens: SourceToken[],
  open: number,
): { status: string | null; message: string } | null {
  const call = openBefore(tokens, open);
  const isError = isMark(tokens[call], "(") && /Error$/.test(tokens[call - 1]?.value ?? "") &&
    tokens[call - 2]?.value === "new";
  if (!isError) return null;
  const first = tokens[call + 1]!;
  const hasStatus = tokens[call - 1]!.value === "HttpError";
  const status = hasStatus && first.kind === "number" ? first.value : null;
  const message = textFrom(tokens, hasStatus ? behindComma(tokens, call) : call + 1);
  return { status, message };
}

function behindComma(tokens: SourceToken[], call: number): number {
  const comma = tokens.findIndex((token, i) => i > call && isMark(token, ","));
  return comma + 1;
}

/** `const hint = "…"` before an object that names it only. */
function constantBefore(
  tokens: SourceToken[],
  { at, name }: { at: number; name: string },
): string {
  for (let i = at; i > 1; i--) {
    const found = tokens[i]!.value === name && tokens[i - 1]!.value === "const";
    if (found && isMark(tokens[i + 1], "=")) return textFrom(tokens, i + 2);
    if (tokens[i]!.value === "function") return "";
  }
  return "";
}

function isMark(token: SourceToken | undefined, ...marks: string[]): boolean {
  return token?.kind === "mark" && marks.includes(token.value);
}

/** All uses in the product, the decoders' reasons among them. */
export async function productErrors(): Promise<ErrorUse[]> {
  const uses = DECODE_REASONS.map(({ code, title, hint }): ErrorUse => ({
    ...{ code, hint, status: "400" },
    message: title,
  }));
  for (const path of await findSourceFiles(REPOSITORY)) {
    if (OTHERS.test(path) || path === "model/decode/reasons.ts") continue;
    uses.push(...errorUses(await Deno.readTextFile(REPOSITORY + path)));
  }
  return uses;
}

/** The text of the file. */
export async function errorReference(): Promise<string> {
  const byCode = Map.groupBy(await productErrors(), ({ code }) => code);
  const byArea = Map.groupBy([...byCode.keys()].sort(), (code) => code.split("-")[0]!);
  const areas = [...byArea].map(([area, codes]) =>
    [`## ${TITLES[area] ?? area}`, ...codes.map((code) => sectionOf(code, byCode.get(code)!))]
      .join("\n\n")
  );
  return `# Errors

<!-- Generated from the sources: deno task generate -->

Every error has a code that stays the same over versions: in answers of the HTTP API (\`code\`), in
the log, in dead letters and on the command line. "…" stands for what differs each time.

${areas.join("\n\n")}
`;
}

function sectionOf(code: string, uses: ErrorUse[]): string {
  const statuses = [...new Set(uses.flatMap(({ status }) => status ?? []))].sort();
  const title = statuses.length === 0 ? code : `${code} (HTTP ${statuses.join(", ")})`;
  const lines = new Set(uses.map(lineOf));
  return `### ${title}\n\n${[...lines].join("\n")}`;
}

function lineOf({ message, hint }: ErrorUse): string {
  if (message === "" && hint === "") {
    return "- The message says what is wrong, its hint what to do.";
  }
  const said = message === "" ? "" : `${ended(oneLine(message))} `;
  return `- ${said}${hint === "" ? "" : `*${ended(capital(oneLine(hint)))}*`}`.trimEnd();
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim().replace(/\.$/, "").replace(/[*<_]/g, "\\$&");
}

function ended(text: string): string {
  return /[.?!…]$/.test(text) ? text : `${text}.`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
