/** Requests for device kits, as rows. */
import { PermanentError, StoreFullError } from "@/model/errors.ts";
import { type NewOrder, type Order, ORDER_LIMITS, type OrderState } from "@/model/order.ts";
import type { Database } from "@/store/database.ts";

export type OrderChange =
  /** `reference` is drawn by the caller. */
  | { type: "add"; order: NewOrder; reference: string }
  | { type: "update"; id: number; state: OrderState; remark: string; by: string }
  | { type: "delete"; id: number };

const COLUMNS = `id, reference, at_ms AS atMs, state, kit, quantity, region, name, organisation,
  email, address, notes, remark, changed_at_ms AS changedAtMs, changed_by AS changedBy`;

/**
 * Looks before anything is written, so that a refusal costs no transaction.
 * @throws StoreFullError when as many as may be are stored, PermanentError when there is no such one
 */
export function checkOrderChange(db: Database, change: OrderChange): void {
  if (change.type !== "add") {
    if (db.number("SELECT count(*) FROM orders WHERE id = ?", change.id) > 0) return;
    throw new PermanentError(`There is no kit request number ${change.id}`, {
      code: "ORD-0404",
      hint: "somebody deleted it, open the list again",
    });
  }
  const { storedMax } = ORDER_LIMITS;
  if (db.number("SELECT count(*) FROM orders") < storedMax) return;
  throw new StoreFullError(`Cannot keep another kit request: ${storedMax} are stored`, {
    code: "ORD-0503",
    hint: "an admin of this gateway can delete requests that are done",
    retryAfterSeconds: 3600,
  });
}

/** Inside the transaction of the caller, after the check. */
export function applyOrderChange(db: Database, change: OrderChange, atMs: number): void {
  switch (change.type) {
    case "add":
      return addOrder(db, change, atMs);
    case "update":
      db.run(
        "UPDATE orders SET state = ?, remark = ?, changed_at_ms = ?, changed_by = ? WHERE id = ?",
        change.state,
        change.remark,
        atMs,
        change.by,
        change.id,
      );
      return;
    case "delete":
      db.run("DELETE FROM orders WHERE id = ?", change.id);
  }
}

function addOrder(
  db: Database,
  { order, reference }: { order: NewOrder; reference: string },
  atMs: number,
): void {
  db.run(
    `INSERT INTO orders (reference, at_ms, state, kit, quantity, region, name, organisation, email,
       address, notes, remark, changed_by) VALUES (?, ?, 'new', ?, ?, ?, ?, ?, ?, ?, ?, '', '')`,
    reference,
    atMs,
    order.kit,
    order.quantity,
    order.region,
    order.name,
    order.organisation,
    order.email,
    order.address,
    order.notes,
  );
}

/** The newest first, from `before` downwards. */
export function readOrders(
  db: Database,
  { before, limit, state }: { before: number; limit: number; state: OrderState | null },
): Order[] {
  return db.all<Order>(
    `SELECT ${COLUMNS} FROM orders WHERE id < ?1 AND (?2 IS NULL OR state = ?2)
     ORDER BY id DESC LIMIT ?3`,
    before,
    state,
    limit,
  ).map((row) => ({ ...row }));
}

export function readOrder(db: Database, id: number): Order | null {
  const row = db.get<Order>(`SELECT ${COLUMNS} FROM orders WHERE id = ?`, id);
  return row === undefined ? null : { ...row };
}

/** How many there are in each state. */
export function countOrders(db: Database): Record<OrderState, number> {
  const counts = { new: 0, answered: 0, done: 0 };
  const rows = db.all<{ state: OrderState; count: number }>(
    "SELECT state, count(*) AS count FROM orders GROUP BY state",
  );
  for (const { state, count } of rows) counts[state] = count;
  return counts;
}
