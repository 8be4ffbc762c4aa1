/**
 * Server side of islands. A component registered here is wrapped, wherever a page uses it, in two
 * comments that mark its markup, and its props are noted for the browser. Comments, because an
 * element of our own would not survive inside `<tbody>` or `<ul>`. An island inside an island is
 * part of the outer one.
 */
import { DevalueError, stringify } from "devalue";
import { Signal } from "@preact/signals";
import {
  type ComponentChildren,
  createContext,
  Fragment,
  type FunctionComponent,
  h,
  options,
  type VNode,
} from "preact";
import { useContext } from "preact/hooks";
import type { AnyComponent } from "./manifest.ts";
import { type IslandBlock, islandMarkers, numberIds } from "./page_state.ts";

export interface UsedIsland {
  name: string;
  props: Record<string, unknown>;
}

interface BoundaryProps {
  component: FunctionComponent;
  name: string;
  props: Record<string, unknown>;
}

/** Collects the islands of the page around it; null inside an island and outside any page. */
export const IslandCollector = createContext<UsedIsland[] | null>(null);

const names = new WeakMap<object, string>();
let creatingInner = false;

/** Makes every use of these components an island. */
export function registerIslands(islands: Record<string, AnyComponent>): void {
  for (const [name, component] of Object.entries(islands)) names.set(component, name);
}

function comment(text: string): ComponentChildren {
  // The renderer's own way to write a comment; Preact's types do not know it.
  return h(Fragment as FunctionComponent<{ UNSTABLE_comment: string }>, { UNSTABLE_comment: text });
}

/** Creates the component itself, which the hook below must leave alone this once. */
function inner({ component, props }: BoundaryProps): VNode {
  creatingInner = true;
  try {
    return h(component, props);
  } finally {
    creatingInner = false;
  }
}

function IslandBoundary(boundary: BoundaryProps): ComponentChildren {
  const collector = useContext(IslandCollector);
  const content = inner(boundary);
  if (collector === null) return content;
  const index = collector.push({ name: boundary.name, props: boundary.props }) - 1;
  numberIds(content, index);
  const { start, end } = islandMarkers(index);
  return h(IslandCollector.Provider, { value: null }, comment(start), content, comment(end));
}

const previousHook = options.vnode;
options.vnode = (vnode) => {
  const name = typeof vnode.type === "function" ? names.get(vnode.type) : undefined;
  if (name !== undefined && !creatingInner) {
    const boundary = { component: vnode.type, name, props: vnode.props } as BoundaryProps;
    vnode.type = IslandBoundary as VNode["type"];
    vnode.props = boundary as unknown as VNode["props"];
  }
  previousHook?.(vnode);
};

/**
 * The props of a page's islands as text for a script element that no browser executes. One
 * serialisation for the page, so that a signal given to two islands stays one signal.
 */
export function islandBlock(
  used: UsedIsland[],
  { buildId, urls }: { buildId: string; urls: Record<string, string[]> },
): string {
  const islands = used.map(({ name, props }) => {
    const url = urls[name]?.[0];
    if (url !== undefined) return { url, props };
    throw new Error(`Island "${name}" is not in the built assets, build them again`);
  });
  const block: IslandBlock = { buildId, islands };
  try {
    const text = stringify(block, {
      Signal: (value: unknown) => value instanceof Signal && [value.peek()],
    });
    // Nothing may look like markup: "<" occurs only within strings, where this means the same.
    return text.replaceAll("<", "\\u003C");
  } catch (error) {
    if (!(error instanceof DevalueError)) throw error;
    const [, index, path] = /^\.islands\[(\d+)\]\.props\.?(.*)$/.exec(error.path) ?? [];
    throw new Error(
      `Cannot send prop "${path}" of island "${used[Number(index)]?.name}" to the browser: ` +
        `${error.message}; islands take plain data, dates, maps, sets, typed arrays and signals`,
      { cause: error },
    );
  }
}
