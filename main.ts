/** The process: arguments, signals, exit code; nothing else. */
import { runCommandLine } from "@/cli/command_line.ts";
import { readEnvironment } from "@/config/environment.ts";
import {
  openAccess,
  openStore,
  restoreBackup,
  testDestination,
  verifyBackup,
} from "@/runtime/stopped.ts";

const encoder = new TextEncoder();
const stop = new AbortController();
const reloadListeners = new Set<() => void>();

// Ctrl-C may come twice at once, from the terminal and from a task runner around this process.
const IMPATIENT_AFTER_MS = 1_000;
let stopRequestedAtMs = Infinity;

/** A second request, a while after the first, does not wait for the orderly end: safe, as a kill. */
function requestStop(): void {
  const nowMs = performance.now();
  if (nowMs - stopRequestedAtMs > IMPATIENT_AFTER_MS) Deno.exit(130);
  stopRequestedAtMs = Math.min(stopRequestedAtMs, nowMs);
  stop.abort();
}

for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, requestStop);
Deno.addSignalListener("SIGHUP", () => reloadListeners.forEach((listener) => listener()));

async function print(text: string): Promise<void> {
  const bytes = encoder.encode(text);
  for (let written = 0; written < bytes.length;) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}

async function main(): Promise<never> {
  const code = await runCommandLine(Deno.args, {
    parts: {
      // The whole gateway is loaded only to serve: other commands start in a fraction of the time.
      serve: async (options) => (await import("@/runtime/serve.ts")).serve(options),
      openStore,
      openAccess,
      testDestination,
      verifyBackup,
      restoreBackup,
    },
    environment: await readEnvironment(),
    print,
    warn: (text) => void Deno.stderr.writeSync(encoder.encode(`${text}\n`)),
    stdin: () => Deno.stdin.readable,
    stop,
    onReload: (listener) => {
      reloadListeners.add(listener);
      return () => reloadListeners.delete(listener);
    },
  });
  Deno.exit(code);
}

// Not awaited here: the release runs this module as a function.
void main();
