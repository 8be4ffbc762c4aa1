import assert from "node:assert/strict";
import { HttpError, StoreFullError } from "@/model/errors.ts";
import type { NewOrder } from "@/model/order.ts";
import { FormTickets } from "@/routes/form_ticket.ts";
import { isReference, OrderDesk } from "@/routes/order_desk.ts";
import { storeOptions, TempDir } from "@/store/fixture.ts";
import { openStore } from "@/store/store.ts";
import type { Store } from "@/store/store_types.ts";

const ORDER: NewOrder = {
  kit: "camera",
  quantity: 1,
  region: "unsure",
  name: "Ada",
  organisation: "",
  email: "ada@example.org",
  address: "Here",
  notes: "",
};

Deno.test("a ticket is good after three seconds, for a day, and only of this process", () => {
  let now = 1_000_000;
  const tickets = new FormTickets(() => now);
  const ticket = tickets.issue();
  assert.equal(tickets.check(ticket), "too_soon");
  now += 2_999;
  assert.equal(tickets.check(ticket), "too_soon");
  now += 1;
  assert.equal(tickets.check(ticket), "good");
  now += 24 * 3_600_000;
  assert.equal(tickets.check(ticket), "stale");
  assert.equal(new FormTickets(() => now).check(tickets.issue()), "stale");
  for (const forged of ["", ".", "x", `${ticket}x`, `1${ticket}`, ticket.replace(".", "")]) {
    assert.equal(tickets.check(forged), "stale", forged);
  }
});

interface Bed extends AsyncDisposable {
  desk: OrderDesk;
  store: Store;
  /** Lets the clock go on. */
  wait: (seconds: number) => void;
  stored: () => Promise<number>;
}

async function openBed(): Promise<Bed> {
  const dir = new TempDir();
  const store = await openStore(storeOptions(dir.path));
  let now = 0;
  return {
    store,
    desk: new OrderDesk({ store, monotonicNow: () => now }),
    wait: (seconds) => now += seconds * 1000,
    stored: async () => (await store.query("orders.counts", {})).new,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
}

/** The seconds that the desk says to wait; 0 where it took the request. */
async function waitAfter(placed: Promise<string>): Promise<number> {
  try {
    await placed;
    return 0;
  } catch (error) {
    assert(error instanceof HttpError && error.status === 429, String(error));
    return Number(error.headers["Retry-After"]);
  }
}

Deno.test("an address gets four at once, then six an hour; a neighbour is not held up", async () => {
  await using bed = await openBed();
  let number = 0;
  const place = (address: string) =>
    waitAfter(bed.desk.place({ order: ORDER, ticket: String(number++), address }));
  for (let i = 0; i < 4; i++) assert.equal(await place("10.0.0.1"), 0);
  assert.equal(await place("10.0.0.1"), 600);
  assert.equal(await place("::ffff:10.0.0.1"), 600, "the same address in other words");
  assert.equal(await place("10.0.0.2"), 0);
  bed.wait(601);
  assert.equal(await place("10.0.0.1"), 0);
  assert.equal(await bed.stored(), 6);
});

Deno.test("all addresses together get thirty at once", async () => {
  await using bed = await openBed();
  const waits: number[] = [];
  for (let i = 0; i < 32; i++) {
    const sent = { order: ORDER, ticket: String(i), address: `2001:db8:0:${i}::1` };
    waits.push(await waitAfter(bed.desk.place(sent)));
  }
  assert.deepEqual(waits, [...Array<number>(30).fill(0), 60, 60]);
  assert.equal(await bed.stored(), 30);
});

Deno.test("a form that is sent twice, also at once, is one request", async () => {
  await using bed = await openBed();
  const sent = { order: ORDER, ticket: "t", address: "10.0.0.1" };
  const [one, two] = await Promise.all([bed.desk.place(sent), bed.desk.place(sent)]);
  assert(isReference(one), one);
  assert.equal(one, two);
  assert.equal(await bed.desk.place(sent), one);
  assert.equal(await bed.stored(), 1);
  const other = await bed.desk.place({ ...sent, order: { ...ORDER, quantity: 2 } });
  assert.notEqual(other, one);
  assert.equal(await bed.stored(), 2);
});

Deno.test("what was not stored costs nothing and may be sent again", async () => {
  await using bed = await openBed();
  let full: StoreFullError | null = new StoreFullError("The disk is full", {
    code: "STO-0201",
    hint: "make room",
  });
  const store = {
    changeOrder: bed.store.changeOrder.bind(bed.store),
    get state() {
      return { ...bed.store.state, full };
    },
  };
  const desk = new OrderDesk({ store, monotonicNow: () => 0 });
  const sent = { order: ORDER, ticket: "t", address: "10.0.0.1" };
  for (let i = 0; i < 10; i++) await assert.rejects(desk.place(sent), StoreFullError);
  full = null;
  assert(isReference(await desk.place(sent)));
  assert.equal(await bed.stored(), 1);
});

Deno.test("a reference that comes by a link is one or is not shown", () => {
  assert(isReference("7KQ4-M2XD"));
  for (const text of ["", "7kq4-m2xd", "7KQ4-M2X", "<b>4-M2XD", "7KQ4-M2XD ", "7KQ4M2XD"]) {
    assert(!isReference(text), text);
  }
});
