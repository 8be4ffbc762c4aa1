/**
 * The documentation: Markdown files of `docs/` as pages below `/docs`, in sections, each with its
 * neighbours and its contents. Rendered when somebody first asks, then kept: the texts are part of
 * the program.
 *
 * `guides/mqtt.md` is `/docs/guides/mqtt`. A text that is too long for one page is cut before a
 * second-level heading; its further parts are `/docs/…/2`, `/docs/…/3`. Links between the files are
 * written for a code host and lead to the pages here; what lies outside of `docs/` is no link here.
 */
import { type Heading, renderMarkdown, slug } from "@/routes/markdown.ts";

export interface DocLink {
  path: string;
  title: string;
}

export interface DocSection {
  title: string;
  pages: DocLink[];
}

export interface DocHeading extends Heading {
  /** `#id`, or with the path where it is in another part of the text. */
  href: string;
}

export interface DocPage extends DocLink {
  section: string;
  /** Safe to be put into a page as it is. */
  html: string;
  contents: DocHeading[];
  previous: DocLink | null;
  next: DocLink | null;
  /** [this part, of how many]. */
  part: [number, number];
}

interface SectionPlan {
  title: string;
  /** In their order; files of `folder` that are not named anywhere follow. */
  files: readonly string[];
  folder?: string;
  /** Pages that are no file, with the file after which they come. */
  links?: readonly DocLink[];
}

export const API_LINK: DocLink = { path: "/docs/api", title: "HTTP API" };

/** Problems name a place in this one (`/docs/errors#ING-0103`): it has its own path, and one part. */
const ERRORS_FILE = "reference/errors.md";
export const ERRORS_PATH = "/docs/errors";
/** The same as text, for a code host; here it is a page of its own. */
const API_FILE = "reference/http_api.md";

const SECTIONS: readonly SectionPlan[] = [
  { title: "Start here", files: ["start.md", "faq.md", "troubleshooting.md"], folder: "" },
  {
    title: "Connect devices",
    files: ["guides/mqtt.md", "guides/http.md", "guides/serial.md"],
    folder: "guides/",
  },
  {
    title: "Use the data",
    files: [
      ...["guides/dashboards.md", "guides/influxdb.md", "guides/grafana.md"],
      "guides/http_api.md",
    ],
  },
  {
    title: "Operate",
    files: ["operating/install.md", "operating/container.md", "operating/backup.md"],
    folder: "operating/",
  },
  {
    title: "Reference",
    files: ["reference/topics.md", "reference/config.md", "reference/commands.md", ERRORS_FILE],
    folder: "reference/",
    links: [API_LINK],
  },
  { title: "How it is built", files: ["architecture.md"], folder: "adr/" },
];

/** With its frame a page stays below 60 kB. */
const PART_CHARACTERS = 46_000;
/** Of longer ones the second level only is in the contents. */
const CONTENTS_MAX = 30;

/** How a text is cut, known before its links are. */
interface Outline {
  title: string;
  /** Path of each part. */
  paths: string[];
  /** Part of each chapter. */
  parts: number[];
  /** In lower case, as code hosts write them → the anchor and its part. */
  anchors: Map<string, { id: string; part: number }>;
}

interface PlacedHeading extends Heading {
  part: number;
}

interface Rendered {
  /** HTML of each part. */
  html: string[];
  headings: PlacedHeading[];
}

export class DocLibrary {
  readonly sections: readonly DocSection[];
  readonly #files: Readonly<Record<string, string>>;
  readonly #paths: ReadonlyMap<string, string>;
  readonly #outlines = new Map<string, Outline>();
  readonly #rendered = new Map<string, Rendered>();
  readonly #pages = new Map<string, DocPage | null>();

  /** `files`: path below `docs/` → text. */
  constructor(files: Readonly<Record<string, string>>) {
    const { [API_FILE]: _, ...pages } = files;
    this.#files = pages;
    this.#paths = new Map(Object.keys(pages).map((file) => [pathOf(file), file]));
    this.sections = this.#plan();
  }

  /** Every page's path in the order of reading, each part of a text on its own; the API not. */
  paths(): string[] {
    return this.#order().flatMap((file) => this.#outline(file).paths);
  }

  /** The page at a path; null where there is none. */
  find(path: string): DocPage | null {
    const known = this.#pages.get(path);
    if (known !== undefined) return known;
    const page = this.#make(path);
    if (page !== null) this.#pages.set(path, page);
    return page;
  }

  /** Where a path leads that somebody copied from a file's name; null where nowhere. */
  forward(path: string): string | null {
    const file = path.replace(/^\/docs\//, "").replace(/\.md$/, "") + ".md";
    if (file === API_FILE) return API_LINK.path;
    return Object.hasOwn(this.#files, file) ? pathOf(file) : null;
  }

  #plan(): DocSection[] {
    const named = new Set(SECTIONS.flatMap(({ files }) => files));
    const others = Object.keys(this.#files).filter((file) => !named.has(file)).sort();
    return SECTIONS.map(({ title, files, folder, links = [] }) => {
      const known = files.filter((file) => Object.hasOwn(this.#files, file));
      const more = others.filter((file) => folder === folderOf(file));
      const pages = [...known, ...more].map((file) => this.#link(file));
      return { title, pages: [...links, ...pages] };
    }).filter(({ pages }) => pages.length > 0);
  }

  #link(file: string): DocLink {
    return { path: pathOf(file), title: titleOf(this.#files[file]!) ?? file };
  }

  /** Files in the order of reading. */
  #order(): string[] {
    return this.sections.flatMap(({ pages }) => pages)
      .flatMap(({ path }) => this.#paths.get(path) ?? []);
  }

  #make(path: string): DocPage | null {
    const file = this.#paths.get(path) ?? this.#paths.get(path.replace(/\/[1-9]\d*$/, ""));
    if (file === undefined) return null;
    const { title, paths } = this.#outline(file);
    const at = paths.indexOf(path);
    if (at < 0) return null;
    const { html, headings } = this.#text(file);
    const isHere = (link: DocLink) => link.path === pathOf(file);
    return {
      ...{ path, title, html: html[at]!, part: [at + 1, paths.length] },
      section: this.sections.find(({ pages }) => pages.some(isHere))?.title ?? "",
      contents: contentsOf(headings, { at, paths }),
      ...this.#neighbours(path),
    };
  }

  #neighbours(path: string): Pick<DocPage, "previous" | "next"> {
    const links = this.#order().flatMap((file) => {
      const { title, paths } = this.#outline(file);
      return paths.map((path, i) => ({ path, title: i === 0 ? title : `${title}, ${i + 1}` }));
    });
    const at = links.findIndex((link) => link.path === path);
    return { previous: links[at - 1] ?? null, next: links[at + 1] ?? null };
  }

  #outline(file: string): Outline {
    const outline = this.#outlines.get(file) ?? outlineOf(file, this.#files[file]!);
    this.#outlines.set(file, outline);
    return outline;
  }

  #text(file: string): Rendered {
    const text = this.#rendered.get(file) ?? this.#render(file);
    this.#rendered.set(file, text);
    return text;
  }

  #render(file: string): Rendered {
    const { parts, paths } = this.#outline(file);
    const { chapters } = renderMarkdown(this.#files[file]!, (href) => this.#resolve(file, href));
    const html = paths.map((_, part) =>
      chapters.filter((_, i) => parts[i] === part).map((chapter) => chapter.html).join("")
    );
    const headings = chapters.flatMap((chapter, i) =>
      chapter.headings.map((heading) => ({ ...heading, part: parts[i]! }))
    );
    return { html, headings };
  }

  #resolve(file: string, href: string): string | null {
    if (/^(?:https?:|mailto:)/i.test(href) || /^\/(?!\/)/.test(href)) return href;
    const { pathname, hash } = new URL(href, `file:///docs/${file}`);
    const target = decodeURIComponent(pathname).replace(/^\/docs\//, "");
    if (target === API_FILE) return API_LINK.path;
    if (!Object.hasOwn(this.#files, target)) return null;
    const { paths, anchors } = this.#outline(target);
    const place = anchors.get(decodeURIComponent(hash.slice(1)).toLowerCase());
    return place === undefined ? paths[0]! + hash : `${paths[place.part]}#${place.id}`;
  }
}

/** The page of a file. */
function pathOf(file: string): string {
  return file === ERRORS_FILE ? ERRORS_PATH : `/docs/${file.replace(/\.md$/, "")}`;
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf("/") + 1);
}

function titleOf(text: string): string | null {
  return /^# (.+)$/m.exec(text)?.[1]?.replaceAll("`", "") ?? null;
}

function outlineOf(file: string, text: string): Outline {
  const { title, chapters } = renderMarkdown(text, (href) => href);
  const outline: Outline = { title: title ?? file, paths: [], parts: [], anchors: new Map() };
  let bytes = Infinity;
  for (const { html, anchors, headings } of chapters) {
    bytes += html.length;
    const fits = file === ERRORS_FILE ? outline.paths.length > 0 : bytes <= PART_CHARACTERS;
    if (!fits) {
      const number = outline.paths.length + 1;
      outline.paths.push(number === 1 ? pathOf(file) : `${pathOf(file)}/${number}`);
      bytes = html.length;
    }
    const part = outline.paths.length - 1;
    outline.parts.push(part);
    // What a code host would call it counts too: `#auth-0402-http-401` for AUTH-0402.
    for (const { id, text } of headings) {
      if (!outline.anchors.has(slug(text))) outline.anchors.set(slug(text), { id, part });
    }
    for (const id of anchors) outline.anchors.set(id.toLowerCase(), { id, part });
  }
  return outline;
}

/** Headings of the second and third level, with where they are. */
function contentsOf(
  headings: PlacedHeading[],
  { at, paths }: { at: number; paths: string[] },
): DocHeading[] {
  const shown = headings.filter(({ level }) => level === 2 || level === 3);
  const all = shown.length <= CONTENTS_MAX ? shown : shown.filter(({ level }) => level === 2);
  return all.map(({ id, text, level, part }) => {
    const href = part === at ? `#${id}` : `${paths[part]}#${id}`;
    return { id, text, level, href };
  });
}
