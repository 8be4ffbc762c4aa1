/** The part of the framework that components and islands may use, in the browser too. */
import { type ComponentChildren, toChildArray } from "preact";
import { useEffect } from "preact/hooks";
import { pageState } from "./page_state.ts";

/** True in a browser, false while the server renders. */
export const IS_BROWSER = typeof document !== "undefined";

/**
 * The URL of a static file with the build's id, so that it may be cached for ever: `/styles.css` →
 * `/styles.css?v=1f0c…`. URLs of other hosts and relative ones come back unchanged.
 */
export function asset(path: string): string {
  const local = path.startsWith("/") && !path.startsWith("//");
  if (!local || pageState.buildId === "" || path.includes("?")) return path;
  const [file, fragment] = path.split("#", 2);
  return `${file}?v=${pageState.buildId}${fragment === undefined ? "" : `#${fragment}`}`;
}

/**
 * Puts its children into the document's head, from wherever it is rendered. A later `<title>` or
 * `<meta name>` replaces an earlier one, that of `_app` too. Inside an island only the title
 * follows later changes.
 */
export function Head({ children }: { children?: ComponentChildren }): null {
  pageState.collectHead?.(children);
  const title = titleOf(children);
  useEffect(() => {
    if (title !== null) document.title = title;
  }, [title]);
  return null;
}

function titleOf(children: ComponentChildren): string | null {
  for (const child of toChildArray(children)) {
    if (typeof child === "object" && child.type === "title") {
      return toChildArray(child.props.children).join("");
    }
  }
  return null;
}
