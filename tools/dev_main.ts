/** The gateway for `deno task dev`: as shipped, and its pages follow their files. */
import type { Gateway } from "@/gateway.ts";
import { runProcess } from "@/runtime/process.ts";
import { serve } from "@/runtime/serve.ts";
import { REPOSITORY } from "@/tools/product.ts";
import { DevSession } from "@/web/dev.ts";

await runProcess(async (options) => {
  const follow = (gateway: Gateway) =>
    new DevSession({ root: REPOSITORY, app: gateway.app.pages.app }).start();
  await serve(options, follow);
  // The watcher lives in this process and would wait for the next edit after an orderly exit.
  Deno.kill(Deno.pid, "SIGKILL");
});
