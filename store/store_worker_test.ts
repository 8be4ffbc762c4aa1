import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { until } from "@/tests/helpers/until.ts";
import { batchOf, message, storeOptions, TempDir } from "@/store/fixture.ts";
import {
  type FromStoreWorker,
  type ToStoreWorker,
  workerOptions,
} from "@/store/worker_protocol.ts";

/** The Worker alone, as the main thread talks to it. */
class WorkerEnd implements AsyncDisposable {
  readonly #worker = new Worker(new URL("./store_worker.ts", import.meta.url), { type: "module" });
  readonly #received: FromStoreWorker[] = [];
  #arrived: () => void = () => undefined;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<FromStoreWorker>) => {
      this.#received.push(data);
      this.#arrived();
    };
  }

  send(message: ToStoreWorker): void {
    this.#worker.postMessage(message);
  }

  async next<Type extends FromStoreWorker["type"]>(
    type: Type,
  ): Promise<Extract<FromStoreWorker, { type: Type }>> {
    for (;;) {
      for (let entry = this.#received.shift(); entry; entry = this.#received.shift()) {
        if (entry.type === type) return entry as Extract<FromStoreWorker, { type: Type }>;
      }
      await new Promise<void>((resolve) => this.#arrived = resolve);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.send({ type: "close" });
    await this.next("closed");
    this.#worker.terminate();
  }
}

async function commit(end: WorkerEnd, count: number) {
  const payload = `{"pad":"${"x".repeat(300)}"}`;
  const batch = batchOf(Array.from({ length: count }, () => message("a", { payload })));
  end.send({ type: "commit", batch });
  const { result } = await end.next("committed");
  return result;
}

Deno.test("store worker: damage that shows up while running is repaired, and work goes on", async () => {
  using dir = new TempDir();
  const path = `${dir.path}/sluice.db`;
  await using end = new WorkerEnd();
  end.send({ type: "open", options: workerOptions(storeOptions(dir.path, { keepMs: 1e12 })) });
  const { status: before } = await end.next("ready");
  for (let i = 0; i < 10; i++) assert.equal((await commit(end, 200)).error, null);

  const probe = new DatabaseSync(path);
  // History reads what is about to be damaged: found there first, the repair would run twice.
  const behind = probe.prepare("SELECT cursor FROM history WHERE cursor < 2000");
  await until(() => behind.get() === undefined, { what: "history has caught up" });
  probe.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  const leaf = probe.prepare(
    "SELECT pageno FROM dbstat WHERE name = 'messages' AND pagetype = 'leaf' ORDER BY path",
  ).all().map((row) => Number(row.pageno))[100] ?? 0;
  probe.close();
  using file = Deno.openSync(path, { write: true });
  file.seekSync((leaf - 1) * 4096, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(4096).fill(0xa5));

  end.send({ type: "repair", damage: "found by the check" });
  const { status } = await end.next("ready");
  assert(status.salvaged !== null);
  assert.notEqual(status.epochHex, before.epochHex);
  assert.equal(status.lastNumber, 2000);
  const { recovered, lost } = status.salvaged;
  assert(recovered < 2000 && recovered > 1900, String(recovered));
  assert.equal(recovered + (lost ?? 0), 2000);
  const after = await commit(end, 1);
  assert.equal(after.error, null, JSON.stringify(after.error));
  assert.equal(after.outcome?.numbers[0], 2001);
});

Deno.test("store worker: a folder that cannot be used is told with what to do", async () => {
  using dir = new TempDir();
  Deno.mkdirSync(`${dir.path}/sluice.db`);
  await using end = new WorkerEnd();
  end.send({ type: "open", options: workerOptions(storeOptions(dir.path)) });
  const { failure } = await end.next("failed");
  assert.equal(failure.kind, "config");
  assert.match(failure.message, /Cannot open the database/);
  assert.match(failure.hint, /space/);
});
