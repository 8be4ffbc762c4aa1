import type { NormalizeRules } from "@/model/rules.ts";
import type { Config } from "@/config/schema.ts";

/** The rules of normalisation as every thread gets them; a source's own node names count too. */
export function normalizeRules(config: Config): NormalizeRules {
  const receivers = { ...config.normalize.receivers };
  for (const source of config.source) {
    if (source.type !== "serial" || Object.keys(source.nodes).length === 0) continue;
    receivers[source.receiver] = { ...receivers[source.receiver], ...source.nodes };
  }
  return {
    plausible: config.normalize.plausible,
    units: config.normalize.units,
    deviceUnits: config.normalize.device_units,
    receivers,
    lateAfterMs: config.normalize.late_after,
  };
}
