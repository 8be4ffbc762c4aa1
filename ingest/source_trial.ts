/** Trying a source out before it is configured: opens the line or the connection, takes nothing in. */
import { LineDecoder } from "@/ingest/lines.ts";
import { endChild, runStty, type SerialOptions } from "@/ingest/serial_source.ts";
import type { SubscriberOptions } from "@/ingest/subscriber_source.ts";
import type { TransientError } from "@/model/errors.ts";
import { ReceivingClient } from "@/mqtt/receiving_client.ts";

export interface SourceTrial {
  ok: boolean;
  /** What was found, or what failed. */
  message: string;
  /** What to do next; empty when it works. */
  hint: string;
}

/** How long a line is listened to for a first packet. */
const LISTEN_MS = 3_000;
const ANSWER_MS = 10_000;

/**
 * Sets the line up and listens for a moment. A line that a running source reads is left alone: a
 * second reader would take bytes from the first one.
 */
export async function trySerial(
  options: SerialOptions,
  { reader, listenMs = LISTEN_MS }: { reader: string | null; listenMs?: number },
): Promise<SourceTrial> {
  const { path } = options;
  if (reader !== null) {
    return { ok: true, message: `source "${reader}" has "${path}" open already`, hint: "" };
  }
  const refused = await runStty(options);
  if (refused !== null) return serialFailure(path, refused);
  const { packets, lines, failure } = await listenFor(path, listenMs);
  if (failure !== "") return serialFailure(path, failure);
  if (packets > 0) return { ok: true, message: `"${path}" is open and sends packets`, hint: "" };
  const within = `within ${listenMs / 1000} s`;
  return lines > 0
    ? {
      ok: true,
      message: `"${path}" is open and sends lines, no packet among them ${within}`,
      hint: "a receiver sends one with each reception; unreadable lines mean another baud",
    }
    : {
      ok: true,
      message: `"${path}" is open, nothing arrived ${within}`,
      hint: "that is usual between two packets of a node that sends every 10 s",
    };
}

function serialFailure(path: string, words: string): SourceTrial {
  const missing = /No such file|No such device/i.test(words);
  return {
    ok: false,
    message: `Cannot open serial port "${path}": ${words}`,
    hint: missing
      ? "plug the board in and look for its name with: ls /dev/serial/by-id"
      : "check that it is a serial port and that the gateway's user is in group dialout",
  };
}

/** Lines until the first packet, the end of the line or the time limit. */
async function listenFor(
  path: string,
  listenMs: number,
): Promise<{ packets: number; lines: number; failure: string }> {
  const child = new Deno.Command("cat", {
    args: [path],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => endChild(child), listenMs);
  const errors = new Response(child.stderr).text();
  const found = await firstPacket(child.stdout);
  clearTimeout(timer);
  endChild(child);
  await child.status;
  return { ...found, failure: (await errors).trim() };
}

async function firstPacket(
  stdout: ReadableStream<Uint8Array>,
): Promise<{ packets: number; lines: number }> {
  const decoder = new LineDecoder();
  const count = { packets: 0, lines: 0 };
  for await (const chunk of stdout) {
    for (const { kind } of decoder.push(chunk)) count[kind === "packet" ? "packets" : "lines"]++;
    if (count.packets > 0) break;
  }
  return count;
}

/**
 * Connects under a client id of its own and subscribes, not in the shared group: the copies that a
 * trial gets would be missing there. Nothing is acknowledged, and the session ends with it.
 */
export async function trySubscriber(options: SubscriberOptions): Promise<SourceTrial> {
  const receiving = Promise.withResolvers<null>();
  const client = new ReceivingClient({
    ...options,
    clientId: `${options.clientId}-test`,
    filters: options.filters.map((filter) => filter.replace(/^\$share\/[^/]+\//, "")),
    cleanStart: true,
    sessionExpirySeconds: 0,
    alwaysSubscribe: true,
    connectTimeoutMs: ANSWER_MS,
  }, { take: () => {}, unreleased: new Set(), receiving: () => receiving.resolve(null) });
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), ANSWER_MS);
  const outcome = await Promise.race([receiving.promise, client.closed, late.promise]);
  clearTimeout(timer);
  client.close();
  await client.closed;
  return outcome === null ? brokerLetsIn(options) : brokerFailure(outcome, options);
}

function brokerLetsIn({ filters, version }: SubscriberOptions): SourceTrial {
  const topics = filters.length === 1 ? "the topic filter" : `${filters.length} topic filters`;
  const spoken = version === 5 ? "5.0" : "3.1.1";
  return {
    ok: true,
    message: `the broker lets us in and subscribe to ${topics}, MQTT ${spoken}`,
    hint: "",
  };
}

function brokerFailure(
  outcome: TransientError | "late",
  { host, port }: SubscriberOptions,
): SourceTrial {
  if (outcome !== "late") return { ok: false, message: outcome.message, hint: outcome.hint };
  return {
    ok: false,
    message: `Broker "${host}:${port}" did not answer within ${ANSWER_MS / 1000} s`,
    hint: "check host, port and firewall, and that it speaks MQTT there",
  };
}
