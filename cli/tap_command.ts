import { type Command, type CommandInput, JSON_OPTION, usageError } from "@/cli/command.ts";
import { accessRunningGateway } from "@/cli/gateway_access.ts";
import type { TapMessage } from "@/cli/operations.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { printable } from "@/cli/text_table.ts";
import { topicFilterProblem } from "@/config/values.ts";

export const tap: Command = {
  path: ["tap"],
  summary: "Show messages as they are accepted, until interrupted",
  text: "A reader that is too slow misses messages and is told how many; the gateway never waits.",
  options: [JSON_OPTION],
  arguments: [{
    name: "FILTER",
    required: false,
    text: "MQTT topic filter for the source topic (default #)",
  }],
  run: runTap,
};

async function runTap(input: CommandInput, surroundings: Surroundings): Promise<number> {
  const filter = input.arguments[0] ?? "#";
  const problem = topicFilterProblem(filter);
  if (problem !== null) {
    throw usageError(
      `The filter ${JSON.stringify(filter)} ${problem}`,
      'write a topic filter, for example "devices/+/telemetry" or "gateways/#"',
    );
  }
  const json = input.switches.has("json");
  await using access = await accessRunningGateway(input);
  for await (const message of access.operations.tap(filter, surroundings.stop.signal)) {
    if (message.dropped !== undefined) surroundings.warn(`missed ${message.dropped} messages`);
    await surroundings.print(json ? JSON.stringify(tapJson(message)) + "\n" : tapText(message));
  }
  return 0;
}

function tapJson({ id, source, envelope }: TapMessage) {
  return { id, source, ...envelope };
}

function tapText({ envelope }: TapMessage): string {
  const payload = typeof envelope.payload === "string"
    ? envelope.payload
    : JSON.stringify(envelope.payload);
  const topic = printable(envelope.source_topic, 300);
  return `${envelope.received_at}  ${topic}  ${printable(payload, 2000)}\n`;
}
