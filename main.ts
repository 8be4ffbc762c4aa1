/** The process: arguments, signals, exit code; nothing else. */
import { runProcess } from "@/runtime/process.ts";

// Not awaited here: the release runs this module as a function. The whole gateway is loaded only to
// serve: other commands start in a fraction of the time.
void runProcess(async (options) => (await import("@/runtime/serve.ts")).serve(options));
