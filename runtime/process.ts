/** What ties the command line to its process: arguments, signals, standard streams, exit code. */
import { runCommandLine } from "@/cli/command_line.ts";
import type { ServeOptions } from "@/cli/surroundings.ts";
import { readEnvironment } from "@/config/environment.ts";
import {
  openAccess,
  openStore,
  restoreBackup,
  testDestination,
  verifyBackup,
} from "@/runtime/stopped.ts";

const encoder = new TextEncoder();

// Ctrl-C may come twice at once, from the terminal and from a task runner around this process.
const IMPATIENT_AFTER_MS = 1_000;

/** Runs the command of `Deno.args` and ends the process. */
export async function runProcess(serve: (options: ServeOptions) => Promise<void>): Promise<never> {
  const stop = stopOnSignals();
  const reloadListeners = new Set<() => void>();
  Deno.addSignalListener("SIGHUP", () => reloadListeners.forEach((listener) => listener()));
  const code = await runCommandLine(Deno.args, {
    parts: { serve, openStore, openAccess, testDestination, verifyBackup, restoreBackup },
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

/** A second request, a while after the first, does not wait for the orderly end: safe, as a kill. */
function stopOnSignals(): AbortController {
  const stop = new AbortController();
  let requestedAtMs = Infinity;
  const request = () => {
    const nowMs = performance.now();
    if (nowMs - requestedAtMs > IMPATIENT_AFTER_MS) Deno.exit(130);
    requestedAtMs = Math.min(requestedAtMs, nowMs);
    stop.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, request);
  return stop;
}

async function print(text: string): Promise<void> {
  const bytes = encoder.encode(text);
  for (let written = 0; written < bytes.length;) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}
