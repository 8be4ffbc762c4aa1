/** `docs/reference/metrics.md`: every metric of `/metrics`, from the definitions themselves. */
import { DEVICE_STATUSES } from "@/model/device_status.ts";
import { SOURCE_KINDS } from "@/model/message.ts";
import { Metrics } from "@/observe/metrics.ts";

export const METRICS_PATH = "docs/reference/metrics.md";

/** What a definition holds, whatever its kind. */
interface Definition {
  name: string;
  help: string;
  labelNames: string[];
  buckets?: number[];
}

/** Values of a label; those of one metric only stand under "metric label". */
const LABEL_VALUES: Record<string, string> = {
  source: SOURCE_KINDS.join(", "),
  "sluice_source_log_lines_total source": "feed, serial",
  "sluice_ingest_messages_total outcome": "accepted, duplicate, rejected, dropped",
  "sluice_forward_messages_total outcome": "acked, expired, purged, dropped",
  "sluice_ingest_rejected_total reason": "see [reasons](topics.md)",
  destination: "the destination's name in the configuration",
  "sluice_queue_messages state": "enqueued, in_flight, dead",
  "sluice_devices state": DEVICE_STATUSES.filter((status) => status !== "waiting").join(", "),
  certificate: "server, authority, client_authority",
  ...{ version: "of the program", commit: "of the program", runtime: "of the program" },
};

/** The text of the file. */
export function metricReference(): string {
  const rows = definitions().map((definition) => {
    const { name, help } = definition;
    return `| \`${name}\` | ${kindOf(definition)} | ${labelsOf(definition)} | ${help} |`;
  });
  return `# Metrics

<!-- Generated from observe/metrics.ts: deno task generate -->

\`/metrics\` gives these as Prometheus text. It answers to this machine, to whoever has the scrape
token, or to everybody, as \`http.metrics\` says. Label values are bounded: never a device or a topic.
At every scrape the ledger of each destination adds up:
\`sluice_ledger_accepted_total\` is the sum of its \`sluice_queue_messages\` and
\`sluice_forward_messages_total\`.

| Metric | Kind | Labels | What |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function definitions(): Definition[] {
  const found = Object.values(new Metrics()).filter(isDefinition);
  return found.sort((a, b) => a.name < b.name ? -1 : 1);
}

function isDefinition(value: unknown): value is Definition {
  return typeof value === "object" && value !== null && "name" in value && "labelNames" in value;
}

/** Totals that are set from the state count up all the same. */
function kindOf({ name, buckets }: Definition): string {
  if (buckets !== undefined) return "histogram";
  return name.endsWith("_total") ? "counter" : "gauge";
}

function labelsOf({ name, labelNames }: Definition): string {
  const texts = labelNames.map((label) => {
    const values = LABEL_VALUES[`${name} ${label}`] ?? LABEL_VALUES[label];
    if (values === undefined) {
      throw new Error(`Nothing says which values "${label}" of ${name} has`);
    }
    return `\`${label}\`: ${values}`;
  });
  return texts.join("; ");
}
