import assert from "node:assert/strict";
import { PermanentError, StoreFullError } from "@/model/errors.ts";
import { type NewOrder, ORDER_LIMITS } from "@/model/order.ts";
import { Database } from "@/store/database.ts";
import { databasePath } from "@/store/data_folder.ts";
import { storeOptions, TempDir } from "@/store/fixture.ts";
import { openStoppedStore } from "@/store/stopped_store.ts";
import { openStore } from "@/store/store.ts";
import type { Store } from "@/store/store_types.ts";

const ORDER: NewOrder = {
  kit: "starter",
  quantity: 3,
  region: "eu868",
  name: "Grace Hopper",
  organisation: "Navy",
  email: "grace@navy.example",
  address: "Pier 1\nNew York",
  notes: "'; DROP TABLE orders; --",
};

async function add(store: Store, ...references: string[]): Promise<void> {
  for (const reference of references) {
    await store.changeOrder({ type: "add", order: ORDER, reference }, []);
  }
}

Deno.test("requests are kept over a restart, listed in pages, the newest first", async () => {
  using dir = new TempDir();
  {
    await using store = await openStore(storeOptions(dir.path));
    await add(store, "A", "B", "C");
  }
  await using store = await openStore(storeOptions(dir.path));
  const first = await store.query("orders.list", { limit: 2 });
  assert.deepEqual(first.items.map(({ reference }) => reference), ["C", "B"]);
  const cursor = first.cursor ?? undefined;
  const second = await store.query("orders.list", { limit: 2, cursor });
  assert.deepEqual([second.items.map(({ reference }) => reference), second.cursor], [["A"], null]);
  const { id, atMs, reference: _, ...rest } = second.items[0]!;
  const untouched = { state: "new", remark: "", changedAtMs: null, changedBy: "" };
  assert.deepEqual(rest, { ...ORDER, ...untouched });
  assert(id === 1 && atMs > 0);
  const nowhere = await store.query("orders.list", { limit: 2, cursor: "nonsense" });
  assert.deepEqual(nowhere, { items: [], cursor: null });
});

Deno.test("a change is kept together with its line of the trail", async () => {
  using dir = new TempDir();
  await using store = await openStore(storeOptions(dir.path));
  await add(store, "A", "B");
  const entry = {
    ...{ atMs: 7, actor: "ada", action: "order.delete", subject: "B", address: "::1" },
    ...{ outcome: "ok" as const, detail: "" },
  };
  const update = { type: "update", id: 1, state: "done", remark: "sent", by: "ada" } as const;
  await store.changeOrder(update, []);
  await store.changeOrder({ type: "delete", id: 2 }, [{ type: "audit", entry }]);
  const one = await store.query("orders.one", { id: 1 });
  assert.deepEqual([one?.state, one?.remark, one?.changedBy], ["done", "sent", "ada"]);
  assert.equal(await store.query("orders.one", { id: 2 }), null);
  const counts = await store.query("orders.counts", {});
  assert.deepEqual(counts, { new: 0, answered: 0, done: 1 });
  const done = await store.query("orders.list", { limit: 9, state: "done" });
  assert.deepEqual(done.items.map(({ id }) => id), [1]);
  const trail = await store.query("audit.list", { limit: 9 });
  assert.deepEqual(trail.items.map(({ action, subject }) => [action, subject]), [
    ["order.delete", "B"],
  ]);
  await add(store, "C");
  const [newest] = (await store.query("orders.list", { limit: 1 })).items;
  assert.equal(newest?.id, 3, "the number of a deleted request is not used again");
});

Deno.test("what is not there cannot be changed, and no line of the trail says it was", async () => {
  using dir = new TempDir();
  await using store = await openStoppedStore(storeOptions(dir.path));
  await assert.rejects(
    store.changeOrder({ type: "delete", id: 1 }, []),
    (error) => error instanceof PermanentError && error.code === "ORD-0404",
  );
});

Deno.test("beyond the limit a request is refused until one is deleted", async () => {
  using dir = new TempDir();
  {
    await using store = await openStore(storeOptions(dir.path));
    await add(store, "first");
  }
  {
    using db = new Database(databasePath(dir.path));
    db.run(
      `INSERT INTO orders (reference, at_ms, state, kit, quantity, region, name, organisation,
         email, address, notes, remark, changed_by)
       WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       SELECT 'r' || i, 0, 'new', 'starter', 1, 'eu868', 'x', '', 'x@y', 'z', '', '', '' FROM n`,
      ORDER_LIMITS.storedMax,
    );
  }
  await using store = await openStore(storeOptions(dir.path));
  await assert.rejects(
    add(store, "more"),
    (error) => error instanceof StoreFullError && error.code === "ORD-0503",
  );
  await store.changeOrder({ type: "delete", id: 1 }, []);
  await add(store, "more");
  const counts = await store.query("orders.counts", {});
  assert.equal(counts.new, ORDER_LIMITS.storedMax);
});
