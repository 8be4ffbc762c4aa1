import { type Command, type CommandInput, integerOption, usageError } from "@/cli/command.ts";
import { runSimulation } from "@/cli/simulated_devices.ts";
import { createFleet, seededRandom } from "@/cli/simulate_models.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { maskUrls } from "@/config/problems.ts";
import { parseDuration } from "@/config/values.ts";

const DEVICES_MAX = 2000;

export const simulate: Command = {
  path: ["simulate"],
  summary: "Publish as simulated devices over real MQTT",
  text:
    "Sensors with daily curves and noise, a LoRa receiver (N2), a camera (camera-1) and a flaky\n" +
    "device (flaky-1). Runs until interrupted or for --duration.",
  options: [
    { name: "devices", value: "N", text: "how many (default 4)" },
    { name: "rate", value: "R", text: "messages per second of all together (default 4)" },
    { name: "url", value: "URL", text: "broker (default mqtt://127.0.0.1:1883)" },
    { name: "username", value: "NAME", text: "user at the broker" },
    { name: "password", value: "TEXT", text: "its password; better: SLUICE_SIMULATE_PASSWORD" },
    { name: "seed", value: "S", text: "for the same values again (default: random, printed)" },
    { name: "duration", value: "TIME", text: 'how long, for example "30s" or "2h"' },
  ],
  arguments: [],
  run: runSimulate,
};

async function runSimulate(input: CommandInput, surroundings: Surroundings): Promise<number> {
  const devices = integerOption(input, "devices", { min: 1, max: DEVICES_MAX }) ?? 4;
  const seed = integerOption(input, "seed", { min: 0, max: 2 ** 32 - 1 }) ?? randomSeed();
  const url = brokerUrl(input.values.get("url") ?? "mqtt://127.0.0.1:1883");
  const rate = rateOf(input.values.get("rate") ?? "4");
  const durationMs = durationOf(input.values.get("duration"));
  surroundings.warn(
    `${devices} devices, ${rate} messages per second to ${maskUrls(url)}, seed ${seed}`,
  );
  const timer = durationMs === null
    ? undefined
    : setTimeout(() => surroundings.stop.abort(), durationMs);
  try {
    const counts = await runSimulation({
      url,
      username: input.values.get("username"),
      password: input.values.get("password") ?? surroundings.environment.SLUICE_SIMULATE_PASSWORD,
      fleet: createFleet({ devices, random: seededRandom(seed) }),
      rate,
      signal: surroundings.stop.signal,
      onTrouble: surroundings.warn,
    });
    const { sent, acknowledged, heldBack } = counts;
    await surroundings.print(
      `sent ${sent}, acknowledged ${acknowledged}, held back ${heldBack}\n`,
    );
    return acknowledged === 0 ? 1 : 0;
  } finally {
    clearTimeout(timer);
  }
}

function brokerUrl(text: string): string {
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (parsed !== null && ["mqtt:", "mqtts:", "ws:", "wss:"].includes(parsed.protocol)) return text;
  throw usageError(
    `Option --url has the value ${JSON.stringify(maskUrls(text))}`,
    "write mqtt://HOST:PORT, mqtts://, ws:// or wss://",
  );
}

function rateOf(text: string): number {
  const rate = Number(text);
  if (text !== "" && rate > 0 && rate <= 100_000) return rate;
  throw usageError(
    `Option --rate has the value ${JSON.stringify(text)}`,
    "give messages per second, above 0 and up to 100000",
  );
}

function durationOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const parsed = parseDuration(text);
  if ("value" in parsed) return parsed.value;
  throw usageError(`Option --duration ${parsed.message}`, parsed.hint);
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
