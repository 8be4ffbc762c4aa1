import { run } from "@/tests/helpers/server_process.ts";

/** What `mqtt_load.c` prints. */
export interface LoadResult {
  messages: number;
  seconds: number;
  /** messages per second */
  rate: number;
  p50_ms: number;
  p99_ms: number;
  max_ms: number;
}

export interface Load {
  port: number;
  connections: number;
  /** Unacknowledged messages of one connection. */
  window: number;
  messages: number;
  qos: 0 | 1;
  /** messages per second over all connections, 0 for as fast as the window allows */
  rate?: number;
  /** Plain messages below this topic instead of telemetry. */
  topic?: string;
}

/** Compiles the generator into `folder` and returns how to run it. */
export async function compileLoadGenerator(
  folder: string,
): Promise<(load: Load) => Promise<LoadResult>> {
  const source = new URL("./mqtt_load.c", import.meta.url).pathname;
  const program = `${folder}/mqtt_load`;
  await run("gcc", { args: ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source] });
  return async ({ port, connections, window, messages, qos, rate = 0, topic }) => {
    const numbers = [port, connections, window, messages, qos, rate].map(String);
    const rest = topic === undefined ? [] : [topic];
    return JSON.parse(await run(program, { args: ["127.0.0.1", ...numbers, ...rest] }));
  };
}
