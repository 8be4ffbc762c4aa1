/// <reference lib="deno.worker" />
/** The forward Worker: runs the deliveries, apart from the thread that acknowledges to devices. */
import "@/forward/driver_environment.ts";
import { ForwardHost } from "@/forward/forward_host.ts";
import type { ForwardCommand, ForwardEvent } from "@/forward/forward_types.ts";
import { openDestination } from "@/forward/open_destination.ts";
import { StoreLink } from "@/forward/store_link.ts";
import { systemTiming } from "@/forward/timing.ts";
import { LogReader } from "@/store/log_reader.ts";

interface Running {
  host: ForwardHost;
  link: StoreLink;
  reader: LogReader;
}

const worker = self as unknown as DedicatedWorkerGlobalScope;
let running: Running | null = null;

worker.onmessage = (event: MessageEvent<ForwardCommand>) => obey(event.data);

// A driver that lets an error slip must not take the other destinations down with it.
worker.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  const reason = event.reason instanceof Error ? event.reason.message : String(event.reason);
  post({
    type: "notice",
    notice: {
      destination: null,
      level: "error",
      code: "FWD-0007",
      message: `An error of a destination was handled by nobody: ${reason}`,
      hint: "Report this as a defect with the log around it",
    },
  });
});

function obey(command: ForwardCommand): void {
  switch (command.type) {
    case "setup":
      running = setUp(command);
      return;
    case "configure":
      running?.host.configure(command.destinations, command.rules).then(() => {
        post({ type: "configured", token: command.token });
      });
      return;
    case "wake":
      running?.host.wake(command.destination);
      return;
    case "test":
      running?.host.test(command.options).then((report) => {
        post({ type: "tested", token: command.token, report });
      });
      return;
    case "stop":
      void stop(command.deadlineMs);
  }
}

function setUp({ setup, port }: Extract<ForwardCommand, { type: "setup" }>): Running {
  const link = new StoreLink(port);
  const reader = new LogReader(setup.databasePath);
  const host = new ForwardHost({
    store: link,
    reader,
    rules: setup.rules,
    open: openDestination,
    timing: systemTiming(),
    post,
  });
  return { host, link, reader };
}

async function stop(deadlineMs: number): Promise<void> {
  await running?.host.stop(deadlineMs);
  running?.link.close();
  running?.reader.close();
  running = null;
  post({ type: "stopped" });
}

function post(event: ForwardEvent): void {
  worker.postMessage(event);
}
