/** The commands of the guide to the HTTP API, as they stand, against the program of the checkout. */
import assert from "node:assert/strict";
import { freePort } from "@/tests/helpers/free_port.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { REPOSITORY, sluiceCommand } from "@/tools/product.ts";

const BLOCK = /<!-- run: -->\n\n```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```)?/gms;

function quoted(words: string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

Deno.test("the guide's commands for login, ingest, prediction, stream and files work", async () => {
  const httpPort = freePort();
  await using gateway = await GatewayProcess.start({ httpPort });
  const guide = await Deno.readTextFile(`${REPOSITORY}docs/guides/http_api.md`);
  const blocks = [...guide.matchAll(BLOCK)];
  assert.equal(blocks.length, 7);
  const { command, args } = sluiceCommand([]);
  const place = ["--config", gateway.folder.join("sluice.toml"), "--data", gateway.dataDir];
  const script = [
    "set -euo pipefail",
    `sluice() { ${quoted([command, ...args])} "$@" ${quoted(place)}; }`,
    `mosquitto_pub() { command mosquitto_pub -p ${gateway.mqttPort} "$@"; }`,
    `curl() { command curl --fail-with-body "\${@//127.0.0.1:8000/127.0.0.1:${httpPort}}"; }`,
    ...blocks.map(([, text = ""], i) => `echo "== ${i}"\n${text}`),
  ];
  // The last command is refused on purpose.
  const text = script.join("\n").replace(
    /(== 6"\n)/,
    "$1unset -f curl\ncurl() { command curl " +
      `"\${@//127.0.0.1:8000/127.0.0.1:${httpPort}}"; }\n`,
  );
  const output = await run("bash", { args: ["-c", text], cwd: gateway.folder.path });
  const parts = output.split(/^== \d+\n/m).slice(1);
  for (const [i, [, , shown]] of blocks.entries()) {
    if (shown !== undefined) assert.equal(parts[i]?.trim(), shown.trim(), `block ${i}`);
  }
});
