/**
 * Markdown as HTML for pages, with one rule for our own and for operators' texts: no HTML of the
 * text gets through. Comments vanish (the documentation marks its commands by them), any other tag
 * is shown as it was written. Where a link may lead is the caller's to say.
 */
import { Marked, type RendererObject, type Token, type Tokens } from "marked";

export interface Heading {
  /** Unique in the text; `sending-again`, for an error code the code itself. */
  id: string;
  text: string;
  level: number;
}

/** A text up to its first second-level heading, or from one to the next. */
export interface Chapter {
  html: string;
  headings: Heading[];
  /** Headings' ids, and rows that a link may name. */
  anchors: string[];
}

export interface RenderedText {
  /** Of the first-level heading that the text begins with; it is not in the chapters. */
  title: string | null;
  chapters: Chapter[];
}

/** Where a link leads, or null where it leads nowhere: then only its text is shown. */
export type LinkResolver = (href: string) => string | null;

/** `ING-0103`: what an error's `type` names in the page of error codes. */
const ERROR_CODE = /^[A-Z]{2,5}-\d{4}\b/;

/** A table with more columns than this gives each more room, and scrolls. */
const WIDE_COLUMNS = 4;

export function renderMarkdown(text: string, resolve: LinkResolver): RenderedText {
  const tokens = new Marked().lexer(text);
  const first = tokens.findIndex(({ type }) => type === "heading");
  const title = first >= 0 && (tokens[first] as Tokens.Heading).depth === 1
    ? plainText((tokens.splice(first, 1)[0] as Tokens.Heading).tokens)
    : null;
  const page = new TextRenderer(resolve);
  return { title, chapters: chaptersOf(tokens).map((each) => page.render(each)) };
}

function chaptersOf(tokens: Token[]): Token[][] {
  const chapters: Token[][] = [[]];
  for (const token of tokens) {
    const begins = token.type === "heading" && (token as Tokens.Heading).depth === 2;
    if (begins && chapters.at(-1)!.some(({ type }) => type !== "space")) chapters.push([]);
    chapters.at(-1)!.push(token);
  }
  return chapters;
}

/** Renders the chapters of one text: ids are unique over all of them. */
class TextRenderer {
  readonly #marked: Marked;
  readonly #used = new Map<string, number>();
  #chapter: Chapter = { html: "", headings: [], anchors: [] };
  #lastHeading = "";

  constructor(resolve: LinkResolver) {
    this.#marked = new Marked({ renderer: this.#renderer(resolve) });
  }

  render(tokens: Token[]): Chapter {
    const chapter: Chapter = { html: "", headings: [], anchors: [] };
    this.#chapter = chapter;
    chapter.html = this.#marked.parser(tokens);
    return chapter;
  }

  #renderer(resolve: LinkResolver): RendererObject {
    const [heading, table] = [this.#heading.bind(this), this.#table.bind(this)];
    return {
      html: ({ text }) => escapeHtml(text.replace(/<!--[\s\S]*?-->/g, "")),
      heading(token) {
        return heading(token, this.parser.parseInline(token.tokens));
      },
      table(token) {
        return table(token, (cell) => this.parser.parseInline(cell.tokens));
      },
      code: ({ text }) => `<pre tabindex="0"><code>${escapeHtml(text)}\n</code></pre>\n`,
      link({ href, tokens }) {
        const inside = this.parser.parseInline(tokens);
        const target = resolve(href);
        if (target === null) return inside;
        const elsewhere = /^https?:/i.test(target) ? ' rel="noopener noreferrer"' : "";
        const whole = ERROR_CODE.exec(inside)?.[0] === inside ? ' class="whole"' : "";
        return `<a href="${escapeHtml(target)}"${elsewhere}${whole}>${inside}</a>`;
      },
      // A text after an unclosed tag counts as escaped to the parser: it is not.
      text(token) {
        const inner = "tokens" in token ? token.tokens : undefined;
        return inner === undefined ? escapeText(token.text) : this.parser.parseInline(inner);
      },
      image: ({ text }) => escapeHtml(text),
      checkbox: ({ checked }) => checked ? "☑ " : "☐ ",
    };
  }

  /** The heading is a link to itself, so that a place in a text can be passed on. */
  #heading({ tokens, depth }: Tokens.Heading, inner: string): string {
    const text = plainText(tokens);
    const id = this.#newId(ERROR_CODE.exec(text)?.[0] ?? slug(text));
    this.#lastHeading = text;
    this.#chapter.headings.push({ id, text, level: depth });
    this.#chapter.anchors.push(id);
    const name = escapeHtml(id);
    const content = inner.includes("<a ") ? inner : `<a class="self" href="#${name}">${inner}</a>`;
    return `<h${depth} id="${name}">${content}</h${depth}>\n`;
  }

  /** Scrolls by itself where the screen is narrow; a row of an error code can be linked to. */
  #table({ header, rows }: Tokens.Table, inline: (cell: Tokens.TableCell) => string): string {
    const cells = (row: Tokens.TableCell[], name: string, attributes = "") =>
      row.map((cell) => `<${name}${attributes}${alignment(cell)}>${inline(cell)}</${name}>`)
        .join("");
    const body = rows.map((row) => `<tr${this.#rowId(row)}>${cells(row, "td")}</tr>`).join("\n");
    const wide = header.length > WIDE_COLUMNS ? ' class="wide"' : "";
    const label = escapeHtml(this.#lastHeading || plainText(header[0]?.tokens ?? []));
    return `<div class="table-box" role="group" aria-label="${label}" tabindex="0"><table${wide}>` +
      `<thead><tr>${cells(header, "th", ' scope="col"')}</tr></thead>\n` +
      `<tbody>${body}</tbody></table></div>\n`;
  }

  #rowId([first]: Tokens.TableCell[]): string {
    const code = ERROR_CODE.exec(plainText(first?.tokens ?? []))?.[0];
    if (code === undefined || this.#used.has(code)) return "";
    this.#chapter.anchors.push(this.#newId(code));
    return ` id="${code}"`;
  }

  #newId(wanted: string): string {
    const base = wanted === "" ? "section" : wanted;
    const count = this.#used.get(base) ?? 0;
    this.#used.set(base, count + 1);
    const id = count === 0 ? base : `${base}-${count}`;
    if (count > 0) this.#used.set(id, 1);
    return id;
  }
}

function alignment({ align }: Tokens.TableCell): string {
  return align === "right" ? ' class="n"' : "";
}

/** As code hosts make it, so that a link works there and here. */
export function slug(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, "").trim().replace(/\s/g, "-");
}

/** What tokens say, without how. */
export function plainText(tokens: Token[]): string {
  return tokens.map((token) => {
    if (token.type === "html") return "";
    const inner = "tokens" in token ? token.tokens : undefined;
    return inner === undefined ? "text" in token ? token.text : "" : plainText(inner);
  }).join("");
}

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "");
}

/** As `escapeHtml`, but `&nbsp;` and its like stay what they are. */
function escapeText(text: string): string {
  return text.replace(/[<>"']|&(?!(?:#\d{1,7}|#x[\da-f]{1,6}|\w+);)/gi, escapeHtml);
}

/**
 * For texts of operators: the web, mail and places of this gateway. Browsers drop control
 * characters inside a scheme and read `//host` and `/\host` as another host: neither passes.
 */
export function safeLink(href: string): string | null {
  const target = [...href].filter((each) => each > " " && each !== "\x7f").join("");
  if (/^(?:https?:\/\/|mailto:)/i.test(target)) return target;
  const hasScheme = /^[^/?#]*:/.test(target);
  return hasScheme || /^[/\\]{2}|^\\/.test(target) ? null : target;
}
