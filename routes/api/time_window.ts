import { HttpError } from "@/model/errors.ts";

const DAY_US = 86_400_000_000;

/**
 * The window [from, to) of a query: the 24 hours before `to`, which is now, unless it says otherwise.
 * Throws HttpError 400 when it ends before it begins.
 */
export function windowOf(
  { from, to }: { from?: number; to?: number },
): { fromUs: number; toUs: number } {
  // One µs more, so that a reading of this very moment is in.
  const toUs = to ?? Math.max(Date.now() * 1000, from ?? 0) + 1;
  const fromUs = from ?? toUs - DAY_US;
  if (fromUs <= toUs) return { fromUs, toUs };
  throw new HttpError(400, "Invalid query: from: lies after to", {
    code: "HTTP-0400",
    hint: "exchange from and to",
  });
}
