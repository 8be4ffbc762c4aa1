/**
 * Writes every generated file of the repository: `deno task generate`.
 * `check_generated.ts` runs the same list and compares.
 */
import { commandReference } from "@/cli/reference.ts";
import { configReference } from "@/config/reference.ts";
import { errorReference, ERRORS_PATH } from "@/tools/error_reference.ts";
import { GRAFANA_FILES } from "@/tools/grafana_dashboards.ts";
import { HTTP_PATH, httpReference } from "@/tools/http_reference.ts";
import { metricReference, METRICS_PATH } from "@/tools/metric_reference.ts";
import { CONFORMANCE_PATH, mqttConformance } from "@/tools/mqtt_conformance.ts";
import { topicReference, TOPICS_PATH } from "@/tools/topic_reference.ts";

export interface GeneratedFile {
  /** Relative to the repository. */
  path: string;
  make: () => string | Promise<string>;
}

export const GENERATED_FILES: GeneratedFile[] = [
  { path: "docs/reference/commands.md", make: commandReference },
  { path: "docs/reference/config.md", make: configReference },
  { path: HTTP_PATH, make: httpReference },
  { path: TOPICS_PATH, make: topicReference },
  { path: ERRORS_PATH, make: errorReference },
  { path: METRICS_PATH, make: metricReference },
  { path: CONFORMANCE_PATH, make: mqttConformance },
  ...GRAFANA_FILES,
];

if (import.meta.main) {
  for (const { path, make } of GENERATED_FILES) {
    await Deno.writeTextFile(new URL(`../${path}`, import.meta.url), await make());
    console.log(`wrote ${path}`);
  }
}
