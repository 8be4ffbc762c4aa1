import assert from "node:assert/strict";
import fc from "fast-check";
import { ORDER_LIMITS, type OrderInput, readOrder } from "@/model/order.ts";

const GOOD: OrderInput = {
  kit: "starter",
  quantity: " 3 ",
  region: "eu868",
  name: "  Grace Hopper ",
  organisation: "",
  email: "grace@navy.example",
  address: "Pier 1\r\nNew York  \r\n",
  notes: "",
};

function faultsOf(changes: Partial<OrderInput>) {
  return readOrder({ ...GOOD, ...changes }).faults;
}

Deno.test("a request is read without what does not belong into a field", () => {
  const { order } = readOrder({ ...GOOD, name: "Grace\u0000\nHopper\u2028", notes: "a\u0007b\rc" });
  assert.deepEqual(order, {
    kit: "starter",
    quantity: 3,
    region: "eu868",
    name: "Grace Hopper",
    organisation: "",
    email: "grace@navy.example",
    address: "Pier 1\nNew York",
    notes: "a b\nc",
  });
});

Deno.test("every fault is found at once, each at its field", () => {
  const empty = Object.fromEntries(Object.keys(GOOD).map((key) => [key, " "])) as OrderInput;
  assert.deepEqual(readOrder(empty).faults, {
    kit: "not_offered",
    quantity: "not_quantity",
    region: "not_offered",
    name: "missing",
    email: "missing",
    address: "missing",
  });
});

Deno.test("limits hold at their edges", () => {
  const { nameMax, notesMax, quantityMax } = ORDER_LIMITS;
  assert.equal(faultsOf({ name: "x".repeat(nameMax), notes: "y".repeat(notesMax) }), null);
  assert.deepEqual(faultsOf({ name: "x".repeat(nameMax + 1) }), { name: "too_long" });
  assert.equal(faultsOf({ quantity: String(quantityMax) }), null);
  for (
    const quantity of [String(quantityMax + 1), "0", "-1", "1.5", "1e2", "١", "0x1", "99999999"]
  ) {
    assert.deepEqual(faultsOf({ quantity }), { quantity: "not_quantity" }, quantity);
  }
  for (const email of ["a", "@", "a@", "@b", "a b@c", "a@b@c", "a@b>", "a@b,c@d"]) {
    assert.deepEqual(faultsOf({ email }), { email: "not_email" }, email);
  }
  for (const kit of ["", "STARTER", "__proto__", "constructor"]) {
    assert.deepEqual(faultsOf({ kit }), { kit: "not_offered" }, kit);
  }
});

Deno.test("whatever is sent, what is taken keeps the limits and has no control characters", () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`seed ${seed}`);
  const text = fc.string({ unit: "binary", maxLength: 300 });
  const input = fc.record({ name: text, organisation: text, address: text, notes: text });
  fc.assert(
    fc.property(input, (changes) => {
      const { order } = readOrder({ ...GOOD, ...changes });
      if (order === null) return;
      assert(order.name.length <= ORDER_LIMITS.nameMax && order.name.length > 0);
      assert.doesNotMatch(order.name + order.organisation, /[\p{Cc}\p{Zl}\p{Zp}]/u);
      assert.doesNotMatch(order.address + order.notes, /(?!\n)[\p{Cc}\p{Zl}\p{Zp}]/u);
      assert(order.notes.isWellFormed());
    }),
    { seed },
  );
});
