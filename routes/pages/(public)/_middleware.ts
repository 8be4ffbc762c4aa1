import { createHash } from "node:crypto";
import { define } from "@/routes/page_state.ts";

/** Pages that are the same until the program or a text changes; forms are not among them. */
const STEADY = /^\/(?:docs(?:\/.*)?|welcome|privacy|terms|imprint)$/;

/**
 * A browser keeps these pages and asks whether they are still what it has: on a phone at the edge
 * of the Wi-Fi that is 0.2 kB instead of 40. The tag is of the page as it is, so theme, a person
 * who is signed in and a new version of the program each have their own.
 */
export default define.middleware(async (ctx) => {
  const response = await ctx.next();
  const reads = ctx.req.method === "GET" || ctx.req.method === "HEAD";
  if (!reads || response.status !== 200 || !STEADY.test(ctx.url.pathname)) return response;
  const html = await response.text();
  const etag = `"${createHash("sha256").update(html).digest("base64url").slice(0, 22)}"`;
  const headers = new Headers(response.headers);
  headers.set("etag", etag);
  headers.set("cache-control", "private, no-cache");
  headers.set("vary", "cookie");
  const has = (ctx.req.headers.get("if-none-match") ?? "").split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""));
  if (!has.includes(etag) && !has.includes("*")) return new Response(html, { headers });
  headers.delete("content-type");
  return new Response(null, { status: 304, headers });
});
