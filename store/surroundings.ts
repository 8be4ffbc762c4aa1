/** The real clocks and the real disk, as the writer asks for them. */
import { statfsSync } from "node:fs";
import type { ClockReading } from "@/store/reception_clock.ts";

/** Wall clock and the boot's monotonic clock, which stood at `uptimeUs` when this was called. */
export function systemClock(uptimeUs: number): () => ClockReading {
  const startMs = performance.now();
  return () => ({
    wallUs: Date.now() * 1000,
    monotonicUs: uptimeUs + Math.floor((performance.now() - startMs) * 1000),
  });
}

/**
 * Free bytes of the file system of a path; null where they may not be asked (`--allow-sys=statfs`).
 * Asked only where it was allowed before: a prompt in a service would hang.
 */
export function freeBytes(path: string): number | null {
  if (Deno.permissions.querySync({ name: "sys", kind: "statfs" }).state !== "granted") return null;
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}
