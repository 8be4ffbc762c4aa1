/**
 * Starts the islands of a page; the entry of the browser's bundle. Only the modules that the page
 * names are fetched. An island that fails leaves its server markup and the other islands alone.
 */
import { type ContainerNode, type FunctionComponent, h, hydrate } from "preact";
import {
  ISLAND_BLOCK_ID,
  type IslandBlock,
  islandMarkers,
  numberIds,
  pageState,
} from "./page_state.ts";
import { readProps, type Revivers } from "./props_reader.ts";

interface Markers {
  start: Comment;
  end: Comment;
}

async function startIslands(): Promise<void> {
  const text = document.getElementById(ISLAND_BLOCK_ID)?.textContent;
  if (!text) return;
  const block: IslandBlock = await readProps(text, await reviversFor(text));
  pageState.buildId = block.buildId;
  const comments = commentsByText();
  // All places before the first hydration: an island may add nodes next to its neighbour's marker.
  const places = block.islands.map((_, index) => placeBetween(markersOf(comments, index)));
  const started = await Promise.allSettled(block.islands.map(async ({ url, props }, index) => {
    const module: { default: FunctionComponent } = await import(url);
    const vnode = h(module.default, props);
    numberIds(vnode, index);
    hydrate(vnode, places[index]!);
  }));
  for (const result of started) if (result.status === "rejected") reportError(result.reason);
  document.documentElement.dataset.islands = "started";
}

/** Signals are fetched where some are sent: 3 kB gzip that most pages do without. */
async function reviversFor(text: string): Promise<Revivers> {
  if (!text.includes('["Signal",')) return {};
  const { signal } = await import("@preact/signals");
  return { Signal: (value) => signal((value as [unknown])[0]) };
}

function commentsByText(): Map<string, Comment> {
  const found = new Map<string, Comment>();
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_COMMENT);
  while (walker.nextNode()) {
    const comment = walker.currentNode as Comment;
    found.set(comment.data, comment);
  }
  return found;
}

function markersOf(comments: Map<string, Comment>, index: number): Markers {
  const { start, end } = islandMarkers(index);
  return { start: comments.get(start)!, end: comments.get(end)! };
}

/**
 * A container for Preact that is only the part of the parent between two comments. What Preact
 * would append to the parent goes before the end instead.
 */
function placeBetween({ start, end }: Markers): ContainerNode {
  const parent = end.parentNode!;
  const initial: ChildNode[] = [];
  for (let node = start.nextSibling; node && node !== end; node = node.nextSibling) {
    initial.push(node);
  }
  const place = {
    nodeType: Node.ELEMENT_NODE,
    parentNode: parent,
    childNodes: initial,
    firstChild: initial[0] ?? null,
    namespaceURI: parent instanceof Element ? parent.namespaceURI : null,
    insertBefore: (node: Node, before: Node | null) => parent.insertBefore(node, before ?? end),
    appendChild: (node: Node) => parent.insertBefore(node, end),
    removeChild: (node: Node) => parent.removeChild(node),
  };
  return place as ContainerNode;
}

startIslands().catch(reportError);
