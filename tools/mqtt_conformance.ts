/**
 * `docs/reference/mqtt_conformance.md`, made of the suite: every normative statement of MQTT 3.1.1
 * and 5.0 with the cases that show it.
 */
import { CASES } from "@/tests/mqtt/cases/all_cases.ts";
import { type Statement, STATEMENTS } from "@/tests/mqtt/statements.ts";
import { OTHER_CASES } from "@/tests/mqtt/other_cases.ts";

export const CONFORMANCE_PATH = "docs/reference/mqtt_conformance.md";

type Spec = "4" | "5";

/** Names of the cases of each statement, by `4:3.1.0-1`. */
function casesByStatement(): Map<string, string[]> {
  const byStatement: Map<string, string[]> = new Map();
  for (const { name, covers } of [...CASES, ...OTHER_CASES]) {
    for (const cover of new Set(covers)) {
      byStatement.set(cover, [...byStatement.get(cover) ?? [], name]);
    }
  }
  return byStatement;
}

/** What is wrong with the suite: a server's statement without case, a case without statement. */
export function conformanceFaults(): string[] {
  const cases = casesByStatement();
  const faults: string[] = [];
  for (const spec of ["4", "5"] as const) {
    const numbers = new Map(STATEMENTS[spec].map((found) => [`${spec}:${found.number}`, found]));
    for (const [key, { kind }] of numbers) {
      if (kind === "server" && !cases.has(key)) faults.push(`${key} has no case`);
    }
    for (const key of cases.keys()) {
      if (key.startsWith(`${spec}:`) && !numbers.has(key)) faults.push(`${key} is no statement`);
    }
  }
  return faults;
}

/** The text of the file. */
export function mqttConformance(): string {
  const cases = casesByStatement();
  const scripts = CASES.length + OTHER_CASES.length;
  return [
    "# MQTT conformance",
    "",
    "Generated from the suite in `tests/mqtt/`; the paraphrases are ours. Each case sends raw",
    "packets to the real broker over TCP and reads every byte of the answers strictly.",
    "",
    `${scripts} cases. ${countOf("4")} ${countOf("5")}`,
    "",
    ...table("4", "MQTT 3.1.1", cases),
    ...table("5", "MQTT 5.0", cases),
  ].join("\n");
}

function countOf(spec: Spec): string {
  const count = (kind: Statement["kind"]) =>
    STATEMENTS[spec].filter((statement) => statement.kind === kind).length;
  const name = spec === "4" ? "3.1.1" : "5.0";
  return `Of ${STATEMENTS[spec].length} statements of ${name}, ${count("server")} bind a server ` +
    `and have cases, ${count("client")} bind clients only, ${count("hidden")} cannot be shown ` +
    `from outside.`;
}

function table(spec: Spec, title: string, cases: Map<string, string[]>): string[] {
  const rows = STATEMENTS[spec].map((statement) => {
    const names = cases.get(`${spec}:${statement.number}`) ?? [];
    return `| MQTT-${statement.number} | ${statement.paraphrase} | ${shown(statement, names)} |`;
  });
  return [`## ${title}`, "", "| Statement | In our words | Shown by |", "| --- | --- | --- |"]
    .concat(rows, "");
}

const NAMES_MAX = 4;

function shown({ kind, reason }: Statement, names: string[]): string {
  if (names.length === 0) return kind === "client" ? "binds clients only" : reason;
  const unique = [...new Set(names)].map((name) => name.replaceAll("|", "\\|"));
  const rest = unique.length - NAMES_MAX;
  return unique.slice(0, NAMES_MAX).join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}
