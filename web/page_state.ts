import type { ComponentChildren, VNode } from "preact";

/**
 * What `fresh/runtime` knows about the page at hand. Rendering is synchronous, so on the server
 * the renderer sets this around one page; in the browser it is set once, before any island starts.
 */
export const pageState: {
  buildId: string;
  collectHead: ((children: ComponentChildren) => void) | null;
} = { buildId: "", collectHead: null };

/** Id of the element with the islands' props; read by the browser's starter. */
export const ISLAND_BLOCK_ID = "fresh-islands";

/** What that element holds, written with devalue. */
export interface IslandBlock {
  buildId: string;
  /** In document order; `url` is the island's module. */
  islands: { url: string; props: Record<string, unknown> }[];
}

/** Comments around the n-th island's markup. */
export function islandMarkers(index: number): { start: string; end: string } {
  return { start: `island:${index}`, end: `/island:${index}` };
}

/**
 * Gives the ids that `useId` makes below `vnode` a prefix of their own. Each island starts as a
 * tree of its own in the browser: without this all of them, and the page, would count from the
 * same id. `__m` is where Preact keeps prefix and count of a tree, under its published short name.
 */
export function numberIds(vnode: VNode, islandIndex: number): void {
  Object.assign(vnode, { __m: [islandIndex + 1, 0] });
}
