import type { CommonOptions } from "@/forward/forward_types.ts";

/** What a test does not care about. */
export function commonOptions(options: Partial<CommonOptions> = {}): CommonOptions {
  return {
    name: "test",
    batchMessagesMax: 2000,
    lingerMs: 0,
    timeoutMs: 30_000,
    maxAgeMs: null,
    retentionMs: null,
    filter: { devices: [], measurements: [] },
    gatewayId: "gw1",
    tls: { mode: "auto", ca: null },
    ...options,
  };
}
