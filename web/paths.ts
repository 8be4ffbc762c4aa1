/**
 * File paths under routes/ as URL patterns:
 * `devices/[id].tsx` → `/devices/:id`, `(ops)/audit.tsx` → `/audit`, `docs/[[version]].tsx` →
 * `/docs` and `/docs/:version`, `files/[...path].ts` → `/files/:path*`, which `/files` itself
 * matches too.
 */

interface Segment {
  /** 0 literal, 1 parameter, 2 optional parameter, 3 rest. */
  rank: 0 | 1 | 2 | 3;
  text: string;
}

function segmentOf(part: string, file: string): Segment {
  const [, open = "", name = "", close = ""] = /^(\[\[|\[\.\.\.|\[)(\w+)(\]\]|\])$/.exec(part) ??
    [];
  if (open === "[[" && close === "]]") return { rank: 2, text: `:${name}` };
  if (open === "[..." && close === "]") return { rank: 3, text: `:${name}*` };
  if (open === "[" && close === "]") return { rank: 1, text: `:${name}` };
  if (/^[\w.~@-]+$/.test(part)) return { rank: 0, text: part };
  throw new Error(
    `Cannot read route file "${file}": "${part}" is no name, [id], [[optional]] or [...rest]`,
  );
}

function segmentsOf(file: string): Segment[] {
  const parts = file.replace(/\.tsx?$/, "").split("/").filter((part) => !/^\(.*\)$/.test(part));
  if (parts.at(-1) === "index") parts.pop();
  const segments = parts.map((part) => segmentOf(part, file));
  if (segments.slice(0, -1).some(({ rank }) => rank === 3)) {
    throw new Error(`Cannot read route file "${file}": [...rest] must come last`);
  }
  return segments;
}

/** The patterns that a route file answers, the longest first. */
export function routePatterns(file: string): string[] {
  let paths = [""];
  for (const { rank, text } of segmentsOf(file)) {
    const longer = paths.map((path) => `${path}/${text}`);
    paths = rank === 2 ? [...longer, ...paths] : longer;
  }
  return paths.map((path) => path || "/");
}

/** A pattern in the router's words, which has none for "any number of segments, none included". */
export function routerPaths(pattern: string): string[] {
  const [, base, name] = /^(.*)\/:(\w+)\*$/.exec(pattern) ?? [];
  return base === undefined ? [pattern] : [`${base}/:${name}{.+}`, base || "/"];
}

/** Orders route files so that the more literal one is asked first. */
export function compareRoutes(a: string, b: string): number {
  const [rankA, rankB] = [routeRank(a), routeRank(b)];
  if (rankA !== rankB) return rankA < rankB ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One digit a segment; "" for the start page. A shorter path sorts before its continuation. */
export function routeRank(file: string): string {
  return segmentsOf(file).map(({ rank }) => rank).join("");
}

/** The folders above a file, outermost first: `a/b/c.tsx` → `""`, `"a/"`, `"a/b/"`. */
export function foldersOf(file: string): string[] {
  const parts = file.split("/").slice(0, -1);
  return ["", ...parts.map((_, i) => parts.slice(0, i + 1).join("/") + "/")];
}
