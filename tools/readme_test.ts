/** The README's shell blocks, executed as they stand; its links and keys exist. */
import assert from "node:assert/strict";
import { parse as parseToml } from "smol-toml";
import { checkConfig } from "@/config/load.ts";
import { PACKAGES } from "@/tools/debian.ts";
import { REPOSITORY } from "@/tools/product.ts";
import { freePort } from "@/tests/helpers/free_port.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";

/** A fenced block with the comment that says how to run it. */
interface Block {
  language: string;
  how: string | null;
  text: string;
}

const README = await Deno.readTextFile(`${REPOSITORY}README.md`);

function blocksOf(markdown: string): Block[] {
  const fence = /(?:<!-- run: ?(.*?) ?-->\s*)?```(\w+)\n(.*?)```/gs;
  return [...markdown.matchAll(fence)].map(([, how, language, text]) => ({
    language: language!,
    how: how ?? null,
    text: text!,
  }));
}

/**
 * What a reader's shell would have: `npx` fetches the Deno that runs this test, and the clients know
 * the ports of this run. Everything else is as in the README.
 */
function prelude(ports: { http: number; mqtt: number }): string {
  return `set -euo pipefail
npx() { [ "$1 $2" = "-y deno@2.9.5" ] || exit 90; shift 2; "${Deno.execPath()}" "$@"; }
mosquitto_pub() { command mosquitto_pub -p ${ports.mqtt} "$@"; }
mosquitto_sub() { command mosquitto_sub -p ${ports.mqtt} "$@"; }
curl() { command curl --fail-with-body "\${@//127.0.0.1:8000/127.0.0.1:${ports.http}}"; }
`;
}

Deno.test("every shell block of the README works, in order", async () => {
  await using folder = await TempDir.create();
  const ports = { http: freePort(), mqtt: freePort() };
  await Deno.writeTextFile(folder.join("sluice.toml"), "");
  const env = {
    SLUICE_CONFIG: folder.join("sluice.toml"),
    SLUICE_DATA: folder.join("data"),
    SLUICE_HTTP__LISTEN: `127.0.0.1:${ports.http}`,
    SLUICE_MQTT__LISTEN: `127.0.0.1:${ports.mqtt}`,
  };
  const blocks = blocksOf(README);
  const shell = blocks.filter((block) => block.language === "sh");
  assert.ok(shell.length >= 5 && shell.every((block) => block.how !== null));
  await using background = new AsyncDisposableStack();
  for (const [i, block] of blocks.entries()) {
    if (block.language !== "sh" || block.how!.startsWith("not")) continue;
    const args = ["-c", prelude(ports) + block.text];
    if (block.how === "in the background") {
      const server = background.use(new ServerProcess("bash", { args, env, cwd: REPOSITORY }));
      await server.untilOutput(/^listening .*$/m, { timeoutMs: 60_000 });
      background.defer(() => stopGateway(env));
      continue;
    }
    const output = await run("bash", { args, env, cwd: REPOSITORY });
    assert.notEqual(output.trim(), "", block.text);
    const expected = blocks[i + 1];
    if (expected?.language === "text") assertSameLines(output, expected.text);
  }
});

/** Ctrl+C reaches every process of a terminal; here the gateway is told by its own command. */
async function stopGateway(env: Record<string, string>): Promise<void> {
  const args = ["task", "--quiet", "sluice", "stop"];
  await run(Deno.execPath(), { args, env, cwd: REPOSITORY });
}

function assertSameLines(actual: string, expected: string): void {
  const lines = (text: string) => text.trim().split("\n").sort();
  assert.deepEqual(lines(actual), lines(expected));
}

Deno.test("the README's configuration is valid and its links lead somewhere", async () => {
  for (const { language, text } of blocksOf(README)) {
    if (language !== "toml") continue;
    assert.ok(Object.keys(parseToml(text)).length > 0);
    const result = await checkConfig({
      configFile: "README.md",
      configFileRequired: true,
      settingsFile: null,
      environment: {},
      flags: [],
      readTextFile: () => Promise.resolve(text),
    });
    assert.ok(result.ok, JSON.stringify(result));
  }
  for (const name of ["README", "CONTRIBUTING", "SECURITY", "CHANGELOG"]) {
    const text = await Deno.readTextFile(`${REPOSITORY}${name}.md`);
    for (const [, path] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      assert.ok((await Deno.stat(REPOSITORY + path)).isFile, `${path}`);
    }
  }
});

Deno.test("tasks that the documents name exist, and so do the clients of the README", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${REPOSITORY}deno.json`));
  const texts = await Promise.all(
    ["README.md", "CONTRIBUTING.md"].map((name) => Deno.readTextFile(REPOSITORY + name)),
  );
  for (
    const [, name] of texts.join("\n").matchAll(/(?:deno|deno@2\.9\.5) task (?:-q )?([a-z:]+)/g)
  ) {
    assert.ok(name! in tasks, `${name}`);
  }
  for (const name of ["mosquitto-clients", "curl"]) assert.ok(name in PACKAGES, name);
});
