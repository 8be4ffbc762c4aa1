import { gunzipSync } from "node:zlib";
import { RequestContext } from "./context.ts";
import type { Middleware } from "./define.ts";
import { type StaticAsset, UNBUILT } from "./manifest.ts";

type Encoding = "br" | "gzip" | "raw";

/**
 * Answers GET and HEAD for the files of `static/` and the islands' modules, compressed as the
 * browser takes it. A URL with a hash in it (islands, `asset()`) may be cached for ever, any other
 * is revalidated by its ETag.
 */
export function staticFiles<State>(): Middleware<State> {
  return (ctx) => {
    const assets = ctx instanceof RequestContext ? ctx.assets : UNBUILT;
    const asset = lookUp(assets.files, ctx.url.pathname);
    if (asset === null) return ctx.next();
    if (ctx.req.method !== "GET" && ctx.req.method !== "HEAD") return ctx.next();
    const version = ctx.url.searchParams.get("v");
    const hashed = ctx.url.pathname.startsWith("/_islands/") || version === assets.buildId;
    return answer(ctx.req, asset, { immutable: hashed && assets.buildId !== "" });
  };
}

function lookUp(files: Record<string, StaticAsset>, pathname: string): StaticAsset | null {
  let path = pathname;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    // A malformed escape names no file of ours; the raw path is looked up, and not found.
  }
  return Object.hasOwn(files, path) ? files[path]! : null;
}

function answer(req: Request, asset: StaticAsset, { immutable }: { immutable: boolean }): Response {
  const encoding = chooseEncoding(asset, req.headers.get("accept-encoding") ?? "");
  const etag = `"${asset.hash}${encoding === "raw" ? "" : `-${encoding}`}"`;
  const headers = new Headers({
    etag,
    "cache-control": immutable ? "public, max-age=31536000, immutable" : "no-cache",
  });
  if (asset.gzip !== undefined) headers.set("vary", "accept-encoding");
  if (matches(req.headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  headers.set("content-type", asset.type);
  if (encoding !== "raw") headers.set("content-encoding", encoding);
  const body = bytesOf(asset, encoding);
  headers.set("content-length", String(body.length));
  return new Response(body, { headers });
}

/** The smallest form that the header allows (RFC 9110 §12.5.3); equal weights prefer brotli. */
function chooseEncoding(asset: StaticAsset, header: string): Encoding {
  const weights = new Map(
    header.toLowerCase().split(",").map((item) => {
      const [name = "", ...parameters] = item.split(";").map((part) => part.trim());
      const q = parameters.find((parameter) => parameter.startsWith("q="));
      return [name, q === undefined ? 1 : Number(q.slice(2))];
    }),
  );
  const weight = (name: string) => weights.get(name) ?? weights.get("*") ?? 0;
  const offered = (["br", "gzip"] as const).filter((name) => asset[name] !== undefined);
  const best = offered.sort((a, b) => weight(b) - weight(a))[0];
  return best !== undefined && weight(best) > 0 ? best : "raw";
}

function matches(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  const tags = ifNoneMatch.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag);
}

function bytesOf(asset: StaticAsset, encoding: Encoding): Uint8Array<ArrayBuffer> {
  const stored = asset[encoding];
  if (stored === undefined) return new Uint8Array(gunzipSync(bytesOf(asset, "gzip")));
  if (typeof stored !== "string") return stored;
  // Decoded once: base64 is only how a generated module carries bytes.
  return asset[encoding] = Uint8Array.fromBase64(stored);
}
