/**
 * Uses the notifier as the gateway does. A process of its own: the tests' rights do not include
 * sockets with a path, and a service manager talks to processes.
 *
 * Arguments: what to do, and the folder for the notifier's own socket.
 */
import { ServiceNotifier } from "@/notify.ts";

const [what = "", folder = ""] = Deno.args;
const watched = Promise.withResolvers<void>();
let asked = 0;

await using notifier = ServiceNotifier.open({
  socket: Deno.env.get("NOTIFY_SOCKET"),
  watchdogUsec: Deno.env.get("WATCHDOG_USEC"),
  folder,
  // Alive twice, then not any more.
  isAlive: () => {
    if (++asked === 4) watched.resolve();
    return asked <= 2;
  },
  onError: ({ message }) => console.error(message),
});

if (what === "life") {
  notifier?.ready("http 8000,\nmqtt 1883");
  notifier?.reloading();
  notifier?.ready("reloaded");
  notifier?.status("x".repeat(1000));
  notifier?.stopping();
}
if (what === "watchdog") {
  await watched.promise;
  notifier?.status("end");
}
console.log(notifier === null ? "nobody to notify" : "done");
