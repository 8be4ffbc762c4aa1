/**
 * The documents' shell blocks, executed as they stand with the released program: real ports, because
 * each document has a network of its own. The comment before a block says how: `run:` runs it and
 * compares with a ```text block after it, `run: in the background` leaves it running, `run: not, …`
 * says why it is not run. `prepare: …` starts a server that the reader is supposed to have.
 */
import assert from "node:assert/strict";
import { run } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { type Block, blocksOf } from "@/tests/release/document_blocks.ts";
import { ReleaseBuild } from "@/tests/release/release_build.ts";
import { hostTarget } from "@/tools/executable/target.ts";
import { REPOSITORY } from "@/tools/product.ts";

/** Documents with commands; the README has a test of its own. */
const DOCUMENTS = [
  ...["start.md", "guides/mqtt.md", "guides/influxdb.md", "guides/grafana.md"],
  ...["guides/http_api.md", "guides/http.md", "guides/serial.md"],
  ...["operating/install.md", "operating/backup.md", "operating/container.md"],
  ...["operating/tls.md", "operating/public_pages.md"],
];

/** One script for the whole document, because a reader has one shell. */
function scriptOf(blocks: Block[]): string {
  const parts = blocks.map(({ how, text }, i) => {
    if (how.startsWith("not")) return "";
    if (how === "in the background") return backgroundScript(text, i);
    return `{\n${text}} >"$OUT/${i}" 2>"$OUT/${i}.err" || fail ${i}`;
  });
  return [
    "set -uo pipefail",
    'fail() { echo "block $1:" >&2; cat "$OUT/$1" "$OUT/$1.err" >&2; exit 1; }',
    "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT",
    'trap \'echo "took too long:" >&2; tail -n 5 "$OUT"/* >&2; exit 1\' TERM',
    "ip link set lo up",
    ...parts,
  ].join("\n");
}

/** A gateway has started when it says so, another server when its port is open. */
function backgroundScript(text: string, i: number): string {
  const port = /-httpListenAddr=127.0.0.1:(\d+)/.exec(text)?.[1];
  const started = port === undefined
    ? `grep -q ^listening "$OUT/${i}"`
    : `(: <>/dev/tcp/127.0.0.1/${port}) 2>/dev/null`;
  return `{\n${text}\n} >"$OUT/${i}" 2>"$OUT/${i}.err" & server=$!
until ${started}; do kill -0 $server || fail ${i}; done`;
}

async function execute(document: string, program: string): Promise<void> {
  await using folder = await TempDir.create();
  const blocks = blocksOf(await Deno.readTextFile(`${REPOSITORY}docs/${document}`));
  for (const name of ["bin", "out", "work"]) await Deno.mkdir(folder.join(name));
  await Deno.symlink(program, folder.join("bin/sluice"));
  await Deno.writeTextFile(folder.join("script"), scriptOf(blocks));
  // Processes of its own as well: whatever still runs at the end of the script ends with it.
  const own = ["--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
  await run("unshare", {
    args: [...own, "timeout", "180", "bash", folder.join("script")],
    cwd: folder.join("work"),
    env: {
      PATH: `${folder.join("bin")}:${Deno.env.get("PATH")}`,
      ...{ HOME: folder.path, OUT: folder.join("out") },
    },
  });
  for (const [i, { how, shown }] of blocks.entries()) {
    if (shown === null || how.startsWith("not")) continue;
    const output = await Deno.readTextFile(folder.join("out", String(i)));
    const lines = (text: string) => text.trim().split("\n").sort();
    assert.deepEqual(lines(output), lines(shown), `${document}, block ${i}`);
  }
}

Deno.test("every command of the documents works, in order", async (t) => {
  await using build = await ReleaseBuild.create([hostTarget()!]);
  for (const document of DOCUMENTS) {
    await t.step(document, () => execute(document, build.executable(hostTarget()!)));
  }
});

Deno.test("every document with commands is in the list", async () => {
  const found = await run("grep", { args: ["-rl", "^```sh", "."], cwd: `${REPOSITORY}docs` });
  const files = found.trim().split("\n").map((path) => path.replace(/^\.\//, ""));
  // Generated and decisions: no commands for readers.
  const own = files.filter((path) => !/^(reference|adr)\//.test(path));
  assert.deepEqual(own.sort(), DOCUMENTS.toSorted());
});

Deno.test("links between the documents lead somewhere", async () => {
  for (const document of [...DOCUMENTS, "architecture.md"]) {
    const text = await Deno.readTextFile(`${REPOSITORY}docs/${document}`);
    for (const [, link] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      const path = new URL(link!, `file://${REPOSITORY}docs/${document}`);
      assert.ok((await Deno.stat(path)).isFile, `${document}: ${link}`);
    }
  }
});

Deno.test("files that the documents name exist", async () => {
  for (const document of DOCUMENTS) {
    const text = await Deno.readTextFile(`${REPOSITORY}docs/${document}`);
    for (const [, path] of text.matchAll(/`((?:deploy|tools|docs)\/[\w./-]+\w)`/g)) {
      if (path!.startsWith("deploy/tls") || path!.startsWith("deploy/secrets")) continue;
      await Deno.stat(REPOSITORY + path);
    }
  }
});
