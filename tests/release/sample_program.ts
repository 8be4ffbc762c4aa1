/**
 * A small program with what the gateway is made of: a Worker from a blob that owns SQLite, a TCP
 * server, files, signals. It is text because it stands for a bundle.
 */
import { makeExecutable, PROGRAM_PATH } from "@/tools/executable/inject.ts";
import { runtimeElf } from "@/tools/executable/runtime.ts";
import type { Target } from "@/tools/executable/target.ts";

const WORKER = `
import { DatabaseSync } from "node:sqlite";
const database = new DatabaseSync(self.name);
database.exec("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS lines (text TEXT)");
self.onmessage = ({ data }) => {
  database.prepare("INSERT INTO lines VALUES (?)").run(data);
  self.postMessage(database.prepare("SELECT count(*) AS count FROM lines").get().count);
};
`;

const PROGRAM = `
import { createServer } from "node:net";
const [command, ...rest] = Deno.args;
const state = async (name) => (await Deno.permissions.query({ name })).state;

function facts() {
  console.log(JSON.stringify({
    args: Deno.args,
    main: import.meta.main,
    variables: Object.fromEntries(rest.map((name) => [name, Deno.env.get(name) ?? null])),
  }));
}

async function permissions() {
  const names = ["net", "read", "write", "env", "run", "ffi", "sys", "import"];
  console.log(JSON.stringify(Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await state(name)])),
  )));
}

function serve() {
  const [path] = rest;
  const text = ${JSON.stringify(WORKER)};
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module", name: path });
  const waiting = [];
  worker.onmessage = ({ data }) => waiting.shift().write(data + "\\n");
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => (waiting.push(socket), worker.postMessage(String(bytes).trim())));
  });
  server.listen(0, "127.0.0.1", () => console.log("listening " + server.address().port));
  Deno.addSignalListener("SIGTERM", () => (worker.terminate(), Deno.exit(0)));
}

await { facts, permissions, serve }[command]();
`;

/** What the tests bake in; the product's own list is checked with the product. */
const ARGS = [
  ...["run", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-prompt"],
  ...["--no-code-cache", "--ext=js", "--allow-env", "--allow-net", "--allow-read", "--allow-write"],
  PROGRAM_PATH,
];

/** The executable's bytes. */
export async function sampleExecutable(target: Target, program = PROGRAM): Promise<Uint8Array> {
  return makeExecutable({
    target,
    runtime: await runtimeElf(target),
    program: new TextEncoder().encode(program),
    args: ARGS,
    variables: { DENO_DIR: "/dev/null/none", SAMPLE_FIXED: "from the file" },
    droppedPrefixes: ["DENO_", "NODE_"],
  });
}
