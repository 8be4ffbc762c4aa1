/**
 * The tokens of a TypeScript source, as far as the error reference needs them: strings with their
 * value, names, punctuation. Comments and regular expressions are left out; in a template each
 * `${…}` stands as "…".
 */

export interface SourceToken {
  kind: "text" | "name" | "number" | "mark";
  value: string;
}

/** A `/` after one of these begins a regular expression, elsewhere it divides. */
const BEFORE_REGEXP = /^(?:[([{,;=:!&|?+\-*%<>~^]|return|case|=>)?$/;
const PATTERNS = {
  space: /(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)+/y,
  quoted: /"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'/y,
  name: /[\p{ID_Start}_$#@][\p{ID_Continue}$]*/uy,
  number: /\d[\w.]*/y,
  regexp: /\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y,
  mark: /=>|[^]/y,
};

export function tokensOf(source: string): SourceToken[] {
  const tokens: SourceToken[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    if (found === undefined) return null;
    at += found.length;
    return found;
  };
  while (at < source.length) {
    if (take(PATTERNS.space) !== null) continue;
    if (source[at] === "`") {
      const { value, end } = templateAt(source, at);
      tokens.push({ kind: "text", value });
      at = end;
      continue;
    }
    const before = tokens.at(-1);
    const mayBegin = before === undefined ||
      (before.kind !== "text" && BEFORE_REGEXP.test(before.value));
    if (source[at] === "/" && mayBegin && take(PATTERNS.regexp) !== null) continue;
    tokens.push(nextToken(take));
  }
  return tokens;
}

function nextToken(take: (pattern: RegExp) => string | null): SourceToken {
  const quoted = take(PATTERNS.quoted);
  if (quoted !== null) return { kind: "text", value: unescape(quoted.slice(1, -1)) };
  const name = take(PATTERNS.name);
  if (name !== null) return { kind: "name", value: name };
  const number = take(PATTERNS.number);
  if (number !== null) return { kind: "number", value: number };
  return { kind: "mark", value: take(PATTERNS.mark) ?? "" };
}

/** The text of the template that begins at `start`, and where it ends. */
function templateAt(source: string, start: number): { value: string; end: number } {
  let value = "";
  let at = start + 1;
  while (at < source.length && source[at] !== "`") {
    if (source.startsWith("${", at)) {
      at = expressionEnd(source, at + 2);
      value += "…";
    } else if (source[at] === "\\") {
      value += unescape(source.slice(at, at + 2));
      at += 2;
    } else {
      value += source[at];
      at++;
    }
  }
  return { value, end: at + 1 };
}

/** Behind the brace that closes an expression inside a template. */
function expressionEnd(source: string, start: number): number {
  let depth = 1;
  let at = start;
  while (at < source.length && depth > 0) {
    const char = source[at];
    if (char === "`") at = templateAt(source, at).end - 1;
    else if (char === '"' || char === "'") {
      PATTERNS.quoted.lastIndex = at;
      at += (PATTERNS.quoted.exec(source)?.[0].length ?? 1) - 1;
    } else if (char === "{") depth++;
    else if (char === "}") depth--;
    at++;
  }
  return at;
}

function unescape(text: string): string {
  const named: Record<string, string> = { n: "\n", r: "\r", t: "\t" };
  return text.replace(/\\([^])/g, (_, char: string) => named[char] ?? char);
}
