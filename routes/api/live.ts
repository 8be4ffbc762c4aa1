/** The one live connection of a page. */
import { z } from "@hono/zod-openapi";
import { identityOf } from "@/routes/access.ts";
import { STREAM_HEADERS } from "@/routes/api/event_stream.ts";
import type { LiveBoard, LiveWants } from "@/routes/api/live_board.ts";
import type { Api } from "@/routes/api/operation.ts";

const NAMES_MAX = 200;
const NAME_CHARS_MAX = 200;

/** `a,b` percent-encoded each, so that a comma may stand in a name. */
const Names = z.string().max(NAMES_MAX * NAME_CHARS_MAX).optional().transform((text) =>
  new Set((text ?? "").split(",").filter((name) => name !== "").slice(0, NAMES_MAX).map(decoded))
).openapi({ type: "string", example: "node1,node2" });

const Switch = z.enum(["0", "1"]).optional().transform((text) => text === "1").openapi({
  type: "string",
  enum: ["0", "1"],
});

export function liveOperations(api: Api, board: LiveBoard): void {
  api.add({
    method: "get",
    path: "/api/live",
    tag: "Live",
    summary: "Follow what a page shows, merged four times a second",
    text: "Server-sent events: `hello` first; `readings` for the asked series (`device/name`), " +
      "devices, or all; `prediction`; `delivery` each second; `beat` every five. For every single " +
      "reading use /api/readings/stream.",
    query: z.object({
      series: Names,
      devices: Names,
      all: Switch,
      predictions: Switch,
      delivery: Switch,
    }),
    answer: { status: 200, text: "A stream", also: { "text/event-stream": "Events" } },
  }, ({ c, query }) => {
    if (c.req.raw.method === "HEAD") return new Response(null, { headers: STREAM_HEADERS });
    return board.open(identityOf(c), query as LiveWants);
  });
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    // A malformed escape is nobody's name.
    return name;
  }
}
