import { InfluxDestination } from "@/forward/influxdb.ts";
import {
  destinationContract,
  type DestinationRig,
  type FoundReading,
} from "@/tests/contract/destination_contract.ts";
import { commonOptions } from "@/tests/helpers/destination_options.ts";
import { FaultProxy } from "@/tests/helpers/fault_proxy.ts";
import { InfluxAnswers, parseLine } from "@/tests/helpers/influx_answers.ts";
import { batchEntry, type RowOptions } from "@/tests/helpers/log_rows.ts";
import { VictoriaMetrics } from "@/tests/helpers/victoria_metrics.ts";

const LOGIN = { org: "sluice", bucket: "iot", token: "secret-token", location: null };

async function startVictoria(): Promise<DestinationRig> {
  const server = await VictoriaMetrics.start();
  const proxy = await FaultProxy.start(server.port);
  return {
    open: (events, filter) => openAt(proxy.port, { events, filter }),
    async readings() {
      const series = await server.export('{__name__=~".*_value"}');
      return series.flatMap(({ labels, values, timestamps }) =>
        values.map((value, index): FoundReading => ({
          device: labels.node ?? "",
          measurement: (labels.__name__ ?? "").replace(/_value$/, ""),
          value,
          atMs: timestamps[index] ?? null,
        }))
      ).sort((a, b) => a.atMs! - b.atMs!);
    },
    fault: (mode) => proxy.set(mode),
    cut: () => proxy.cut(),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function startAnswers(version: "v2" | "v3"): Promise<DestinationRig> {
  const server = new InfluxAnswers({
    version,
    refuse: (line) => line.startsWith("poison") ? "field type conflict" : null,
  });
  const proxy = await FaultProxy.start(server.port);
  return {
    open: (events, filter) => openAt(proxy.port, { events, filter }),
    readings: () => Promise.resolve(server.stored.map(toReading)),
    fault: (mode) => proxy.set(mode),
    cut: () => proxy.cut(),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function openAt(
  port: number,
  { events, filter }: {
    events: ConstructorParameters<typeof InfluxDestination>[1];
    filter: { devices: string[]; measurements: string[] };
  },
): InfluxDestination {
  const url = `http://127.0.0.1:${port}/`;
  return new InfluxDestination(
    { ...commonOptions({ filter }), ...LOGIN, type: "influxdb", url },
    events,
  );
}

function toReading(line: string): FoundReading {
  const parsed = parseLine(line)!;
  const [measurement = "", ...tags] = parsed.series.split(",");
  return {
    measurement,
    device: tags.find((tag) => tag.startsWith("node="))?.slice(5) ?? "",
    value: Number(parsed.fields.replace("value=", "")),
    atMs: Number(parsed.time.slice(0, -6)),
  };
}

const poison = (number: number, options: RowOptions = {}) =>
  batchEntry(number, { ...options, values: { poison: 1 } });

destinationContract("influxdb, by VictoriaMetrics", {
  start: startVictoria,
  traits: { repeats: false, connected: false, keepsExtremes: false, poison: null },
});
for (const version of ["v2", "v3"] as const) {
  destinationContract(`influxdb, answering as ${version}`, {
    start: () => startAnswers(version),
    traits: { repeats: false, connected: false, keepsExtremes: true, poison },
  });
}
