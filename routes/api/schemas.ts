/** Shapes that several operations of the HTTP API share. Names are as in JSON; times RFC 3339 UTC. */
import { z } from "@hono/zod-openapi";
import { formatInstant, parseSentTime } from "@/model/event_time.ts";
import { FLAGS } from "@/model/reading.ts";

export const LIST_MAX = 1000;

export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string().openapi({ example: "HTTP-0400" }),
  detail: z.string(),
  hint: z.string(),
}).openapi("Problem");

export const Time = z.string().openapi({
  format: "date-time",
  example: "2026-01-01T00:00:00.000Z",
});
export const TimeOrNull = Time.nullable();

/** µs → RFC 3339. */
export function timeOf(us: number): string {
  return formatInstant({ us: Math.round(us), ns: 0 });
}

export function timeOrNull(us: number | null): string | null {
  return us === null ? null : timeOf(us);
}

/** ms → RFC 3339. */
export function timeOfMs(ms: number): string {
  return new Date(ms).toISOString();
}

/** What `Date` and RFC 3339 can write: years 0000 to 9999. */
const LATEST_US = 253_402_300_799_999_999;
const EARLIEST_US = -62_167_219_200_000_000;

/** A time of the query, in µs. */
export const TimeQuery = z.string().max(64).transform((text, context) => {
  const instant = parseSentTime(text, () => text);
  if (instant !== null && instant.us >= EARLIEST_US && instant.us <= LATEST_US) return instant.us;
  context.addIssue({
    code: "custom",
    message: "not a time: send RFC 3339 with a zone or epoch ms",
  });
  return z.NEVER;
}).openapi({
  type: "string",
  description: "RFC 3339 with a zone, or epoch ms",
  example: "1767225600000",
});

export function limitOf(standard: number, max = LIST_MAX) {
  return z.string().regex(/^\d{1,6}$/, `not a number from 1 to ${max}`).transform(Number)
    .pipe(z.number().int().min(1, "at least 1").max(max, `at most ${max}`))
    .optional().transform((limit) => limit ?? standard)
    .openapi({ type: "integer", description: `1 to ${max}, ${standard} without it` });
}

export const Cursor = z.string().max(512).optional()
  .openapi({ description: "`cursor` of the page before" });

/** Names of devices and measurements: whatever was taken in once; anything else is simply not there. */
export const Name = z.string().min(1).max(128);

export const DeviceId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "use 1 to 64 of A-Z a-z 0-9 _ -")
  .openapi({ example: "oven-1" });

export const MessageId = z.string().regex(/^[0-9a-f]{32}$/, "not a message id: 32 hex digits")
  .openapi({ example: "0123456789abcdef0000000000000001" });

export const Flags = z.array(z.enum(FLAGS));

export const NextCursor = z.string().nullable().openapi({
  description: "Pass it on for the next page; null on the last one",
});

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), cursor: NextCursor });
}

/** How many things an act concerned. */
export const Count = z.object({ count: z.number().int() });
