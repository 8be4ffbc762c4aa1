import { type ComponentChildren, Fragment, type FunctionComponent, h, toChildArray } from "preact";
import { renderToString } from "preact-render-to-string";
import { pageProps, type RequestContext } from "./context.ts";
import { islandBlock, IslandCollector, type UsedIsland } from "./islands.ts";
import type { AnyComponent, Manifest } from "./manifest.ts";
import { ISLAND_BLOCK_ID, pageState } from "./page_state.ts";
import type { Shells } from "./route_tree.ts";

export interface View {
  /** The page, or content that is already there. */
  content: AnyComponent | { children: ComponentChildren };
  data: unknown;
  shells: Shells;
  manifest: Manifest;
  islandPreload: boolean;
}

/** Renders a page in its layouts and document; a component may answer by itself instead. */
export async function renderView<State>(
  ctx: RequestContext<State>,
  view: View,
  init: ResponseInit,
): Promise<Response> {
  const { content, shells } = view;
  const nothing = () => null;
  const apply = async (component: AnyComponent, inside: FunctionComponent) => {
    const props = pageProps(ctx, view.data, inside);
    return await elementOf(component as unknown as (props: object) => ComponentChildren, props);
  };
  let made = typeof content === "function" ? await apply(content, nothing) : content.children;
  for (const shell of [...shells.layouts].reverse().concat(shells.app ?? [])) {
    if (made instanceof Response) return made;
    const inside = made;
    made = await apply(shell, () => h(Fragment, null, inside));
  }
  if (made instanceof Response) return made;
  return ctx.html(renderDocument(made, view), init);
}

/** Async components run before rendering, which is synchronous; hooks work in the others only. */
async function elementOf(
  component: (props: object) => ComponentChildren,
  props: object,
): Promise<ComponentChildren | Response> {
  const isAsync = component.constructor.name === "AsyncFunction";
  return isAsync ? await component(props) : h(component as FunctionComponent, props);
}

function renderDocument(content: ComponentChildren, view: View): string {
  const { assets } = view.manifest;
  const used: UsedIsland[] = [];
  const heads: ComponentChildren[] = [];
  const before = { ...pageState };
  pageState.buildId = assets.buildId;
  pageState.collectHead = (children) => heads.push(children);
  try {
    const collector = assets.boot === "" ? null : used;
    const body = renderToString(h(IslandCollector.Provider, { value: collector }, content));
    const head = headElements(heads).map((child) => renderToString(h(Fragment, null, child)));
    const html = withHead(wholeDocument(body), [...head, ...scriptTags(used, view)]);
    return "<!DOCTYPE html>" + withIslandBlock(html, used, view);
  } finally {
    Object.assign(pageState, before);
  }
}

/** Without `_app` the page still is a document. */
function wholeDocument(html: string): string {
  if (/^\s*<html[\s>]/i.test(html)) return html;
  return `<html><head><meta charset="utf-8"></head><body>${html}</body></html>`;
}

/** The last title and the last meta of a name win. */
function headElements(heads: ComponentChildren[]): ComponentChildren[] {
  const elements = new Map<unknown, ComponentChildren>();
  for (const child of toChildArray(heads)) {
    if (typeof child !== "object") continue;
    const { name } = child.props as { name?: unknown };
    const named = child.type === "meta" && typeof name === "string" ? `meta ${name}` : null;
    const key = child.type === "title" ? "title" : named ?? child.key ?? child;
    elements.delete(key);
    elements.set(key, child);
  }
  return [...elements.values()];
}

/** Adds elements at the end of the head and drops those of `_app` that they replace. */
function withHead(html: string, elements: string[]): string {
  const end = html.indexOf("</head>");
  if (end < 0) return html;
  let head = html.slice(0, end);
  for (const element of elements) {
    const name = /^<meta[^>]*? name="([^"]*)"/.exec(element)?.[1];
    if (element.startsWith("<title")) head = head.replace(/<title[^>]*>[^<]*<\/title>/, "");
    if (name !== undefined) {
      head = head.replace(/<meta [^>]*>/g, (old) => old.includes(` name="${name}"`) ? "" : old);
    }
  }
  return head + elements.join("") + html.slice(end);
}

function scriptTags(used: UsedIsland[], { manifest, islandPreload }: View): string[] {
  const { assets, dev } = manifest;
  const scripts = dev ? [dev.script] : [];
  if (used.length > 0) scripts.unshift(assets.boot);
  const modules = islandPreload ? used.flatMap(({ name }) => assets.islands[name] ?? []) : [];
  return [
    ...[...new Set(modules)].map((url) => `<link rel="modulepreload" href="${url}">`),
    ...scripts.map((url) => `<script type="module" src="${url}"></script>`),
  ];
}

function withIslandBlock(html: string, used: UsedIsland[], { manifest: { assets } }: View): string {
  if (used.length === 0) return html;
  const text = islandBlock(used, { buildId: assets.buildId, urls: assets.islands });
  const script = `<script type="application/json" id="${ISLAND_BLOCK_ID}">${text}</script>`;
  const end = html.lastIndexOf("</body>");
  return end < 0 ? html + script : html.slice(0, end) + script + html.slice(end);
}
