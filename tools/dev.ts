/** `deno task dev`: the gateway from the checkout, started again when a source file changes. */
import { productFlags, REPOSITORY } from "@/tools/product.ts";

const args = ["run", "--watch", ...productFlags(), `${REPOSITORY}main.ts`, "serve", ...Deno.args];
const child = new Deno.Command(Deno.execPath(), { args }).spawn();
const { code } = await child.status;
Deno.exit(code);
