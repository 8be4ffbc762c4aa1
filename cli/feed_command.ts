import { type Command, type CommandInput, usageError } from "@/cli/command.ts";
import { ControlClient } from "@/cli/control_client.ts";
import { FeedSession, type FeedTarget } from "@/cli/feed_session.ts";
import type { Surroundings } from "@/cli/surroundings.ts";

export const feed: Command = {
  path: ["feed"],
  summary: "Hand a receiver's lines from standard input to the gateway",
  text: "For example: probe-rs run --chip STM32F446RETx firmware.elf | sluice feed N2\n" +
    "Lines are confirmed after their commit; while the gateway is away they are kept (up to 10 000)\n" +
    "and sent again. Ends with the input, once everything is confirmed. Other lines than packets\n" +
    "go to the gateway's log.",
  options: [],
  arguments: [{ name: "RECEIVER", required: true, text: "id of the receiver, for example N2" }],
  run: runFeed,
};

async function runFeed(input: CommandInput, surroundings: Surroundings): Promise<number> {
  const receiver = input.arguments[0]!;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(receiver)) {
    throw usageError(
      `The receiver ${JSON.stringify(receiver)} is not an id`,
      "use 1 to 64 letters, digits, _ or -",
    );
  }
  const session = new FeedSession({
    receiver,
    session: randomSession(),
    connect: () => connectTarget(input.dataDir),
    notice: surroundings.warn,
    signal: surroundings.stop.signal,
    random: Math.random,
    wait: waitFor,
  });
  await session.run(surroundings.stdin());
  if (session.unconfirmed === 0) return 0;
  surroundings.warn(`stopped with ${session.unconfirmed} lines that the gateway did not confirm`);
  return 1;
}

async function connectTarget(dataDir: string): Promise<FeedTarget | null> {
  const client = await ControlClient.connect(dataDir);
  if (client === null) return null;
  const { operations } = client;
  return {
    feed: (batch) => operations.feed(batch),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** 48 random bits: exact in a double, and never drawn twice. */
function randomSession(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high % 65_536) * 2 ** 32 + low;
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) return Promise.resolve();
  const done = () => resolve();
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", done, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", done);
  });
}
