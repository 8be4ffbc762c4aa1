/**
 * `deno task dev`: the gateway from the checkout. An edit under routes/pages/, islands/, components/
 * or static/ is on the screen within a second and ingest does not notice; after an edit anywhere
 * else the process starts again, and what was accepted is there.
 */
import { productFlags, REPOSITORY } from "@/tools/product.ts";

/** Followed by the process itself. */
const FOLLOWED = ["routes/pages", "islands", "components", "static", "_gen"];

const excluded = FOLLOWED.map((folder) => `--watch-exclude=${REPOSITORY}${folder}`);
// Building pages takes more rights than serving them.
const shipped = productFlags().filter((flag) => !/^--allow-(?:run|env)/.test(flag));
const flags = ["--watch", ...excluded, ...shipped, "--allow-run", "--allow-env"];
const args = ["run", ...flags, `${REPOSITORY}tools/dev_main.ts`, "serve", ...Deno.args];
const child = new Deno.Command(Deno.execPath(), { args }).spawn();
// A terminal asks all of its processes to stop, a supervisor only this one.
Deno.addSignalListener("SIGINT", () => {});
Deno.addSignalListener("SIGTERM", () => child.kill("SIGTERM"));
const { code, signal } = await child.status;
Deno.exit(signal === "SIGKILL" ? 0 : code);
