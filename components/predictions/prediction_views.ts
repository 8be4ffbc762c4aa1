/** What the pages of predictions show, as plain data. */
import type { LivePrediction } from "@/model/live_events.ts";

export type ShownPrediction = Omit<LivePrediction, "flags">;

export interface LatestOfDevice extends ShownPrediction {
  /** Bit-identical scores in a row; null while it moves. */
  stuckResults: number | null;
}

export interface LabelCount {
  label: string;
  count: number;
}

export interface FeedFilter {
  device: string | null;
  label: string | null;
  window: string;
}

export function presencePath(device: string): string {
  return `/predictions/${encodeURIComponent(device)}`;
}

export function feedPath(filter: Partial<FeedFilter> & { cursor?: string | null }): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  }
  return query.size === 0 ? "/predictions" : `/predictions?${query}`;
}
