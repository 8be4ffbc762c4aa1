import assert from "node:assert/strict";
import { conserves } from "@/model/ledger.ts";
import { TempDir, TestEnvironment, writerOptions } from "@/store/fixture.ts";
import { LogWriter } from "@/store/log_writer.ts";

const ROUNDS = 5;

/** Runs the process until it has acknowledged so many messages, then kills it at once. */
async function runAndKill(
  dataDir: string,
  { first, acknowledgedMin }: { first: number; acknowledgedMin: number },
): Promise<number[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-read",
      "--allow-write",
      "--allow-sys=statfs",
      new URL("./kill_fixture.ts", import.meta.url).pathname,
      dataDir,
      String(first),
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const acknowledged: number[] = [];
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) acknowledged.push(...line.split(" ").map(Number));
    if (acknowledged.length >= acknowledgedMin) child.kill("SIGKILL");
  }
  assert.equal((await child.status).signal, "SIGKILL");
  return acknowledged;
}

Deno.test("kill -9 at random instants: everything acknowledged is there, once", async () => {
  const seed = crypto.getRandomValues(new Uint32Array(ROUNDS));
  console.log(`rounds end after ${[...seed].map((n) => 1 + n % 3000).join(", ")} acknowledgements`);
  using dir = new TempDir();
  const acknowledged = new Set<number>();
  let first = 1;
  for (const random of seed) {
    const acknowledgedMin = 1 + random % 3000;
    for (const seq of await runAndKill(dir.path, { first, acknowledgedMin })) acknowledged.add(seq);
    // what was not acknowledged is sent again, as a device would
    first = Math.max(1, Math.max(...acknowledged) - 300);
    await verify(dir.path, acknowledged);
  }
});

async function verify(dataDir: string, acknowledged: Set<number>): Promise<void> {
  const environment = new TestEnvironment();
  const writer = await LogWriter.open(writerOptions(dataDir, { keepMs: 1e12 }), environment);
  try {
    const { database } = writer;
    assert.equal(writer.status.salvaged, null);
    assert.equal(database.all("PRAGMA integrity_check")[0]?.integrity_check, "ok");
    const rows = database.all<{ seq: number; number: number; payload: string }>(
      "SELECT seq, number, payload FROM messages ORDER BY number",
    );
    const stored = new Set(rows.map((row) => row.seq));
    assert.equal(stored.size, rows.length, "a number is stored twice");
    assert(rows.every((row) => row.payload === `{"n":${row.seq}}`));
    assert.deepEqual([...acknowledged].filter((seq) => !stored.has(seq)), []);
    const [ledger] = writer.snapshot().ledgers;
    assert(ledger !== undefined && conserves(ledger));
    assert.equal(ledger.accepted, rows.length);
    assert.equal(ledger.dead, database.number("SELECT count(*) FROM exceptions"));
  } finally {
    writer.abandon();
  }
}
