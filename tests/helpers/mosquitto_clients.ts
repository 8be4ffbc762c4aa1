/** Debian's mosquitto_pub and mosquitto_sub against any broker. */
import { MosquittoSubscription } from "@/tests/helpers/mosquitto.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";

export interface ClientOptions {
  qos?: 0 | 1 | 2;
  /** `mqttv31`, `mqttv311` or `5`; default 5. */
  version?: string;
  /** More arguments: credentials, TLS, properties. */
  args?: string[];
}

/** Publishes one message and returns once it is acknowledged. */
export async function mosquittoPub(
  port: number,
  message: { topic: string; payload: string; retain?: boolean },
  options: ClientOptions = {},
): Promise<void> {
  await run("mosquitto_pub", {
    args: [
      ...["-h", "127.0.0.1", "-p", String(port), "-V", options.version ?? "5"],
      ...["-q", String(options.qos ?? 1), "-t", message.topic],
      message.payload === "" ? "-n" : "-s",
      ...message.retain ? ["-r"] : [],
      ...options.args ?? [],
    ],
    input: message.payload === "" ? undefined : message.payload,
  });
}

/** Subscribes and returns once the broker has acknowledged it. */
export async function mosquittoSub(
  port: number,
  filter: string,
  options: ClientOptions = {},
): Promise<MosquittoSubscription> {
  // Into a pipe it would hold its words back: stdbuf makes it write line by line.
  const process = new ServerProcess("stdbuf", {
    args: [
      ...["-oL", "mosquitto_sub"],
      ...["-h", "127.0.0.1", "-p", String(port), "-V", options.version ?? "5", "-d"],
      ...["-q", String(options.qos ?? 1), "-t", filter, "-F", "message %t %q %r %x %P"],
      ...options.args ?? [],
    ],
  });
  await process.untilOutput(/Subscribed \(mid: \d+\): (?!128)/);
  return new MosquittoSubscription(process);
}
