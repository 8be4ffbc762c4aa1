import { resolve } from "node:path";
import type { Command, CommandInput } from "@/cli/command.ts";
import { configSources } from "@/cli/config_access.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { type ConfigSources, loadConfig } from "@/config/load.ts";

export const serve: Command = {
  path: ["serve"],
  summary: "Run the gateway (the default command)",
  text: "Logs go to standard error. Standard output gets one line once the gateway is ready:\n" +
    "listening http=… mqtt=… with the real addresses.",
  options: [
    { name: "http", value: "ADDR", text: "address of HTTP, instead of http.listen" },
    { name: "mqtt", value: "ADDR", text: "address of MQTT, instead of mqtt.listen" },
    { name: "demo", text: "add simulated devices that publish over real MQTT" },
  ],
  arguments: [],
  run: runServe,
};

async function runServe(input: CommandInput, surroundings: Surroundings): Promise<number> {
  const sources = configSources(input, surroundings, serveFlags(input));
  await surroundings.parts.serve({
    loaded: await loadConfig(sources),
    sources,
    dataDir: resolve(input.dataDir),
    demo: input.switches.has("demo"),
    stop: surroundings.stop,
    onReload: surroundings.onReload,
    print: surroundings.print,
  });
  return 0;
}

function serveFlags(input: CommandInput): ConfigSources["flags"] {
  return ["http", "mqtt"].flatMap((section) => {
    const value = input.values.get(section);
    return value === undefined ? [] : [{ path: [section, "listen"], value, flag: `--${section}` }];
  });
}
