/**
 * Requests for device kits: what a visitor writes into the form, and the rules for it. Nothing here
 * is an order in the sense of a contract; a person answers.
 */

export const ORDER_KITS = ["starter", "sensor_node", "receiver", "camera", "gateway"] as const;
export type OrderKit = (typeof ORDER_KITS)[number];

/** Radio bands that the boards are built for. */
export const ORDER_REGIONS = ["eu868", "us915", "unsure"] as const;
export type OrderRegion = (typeof ORDER_REGIONS)[number];

export const ORDER_STATES = ["new", "answered", "done"] as const;
export type OrderState = (typeof ORDER_STATES)[number];

/** Lengths in characters. A thousand requests of the greatest length are 4 MB. */
export const ORDER_LIMITS = {
  quantityMax: 100,
  nameMax: 100,
  emailMax: 254,
  addressMax: 500,
  notesMax: 2000,
  remarkMax: 1000,
  storedMax: 1000,
} as const;

export interface NewOrder {
  kit: OrderKit;
  quantity: number;
  region: OrderRegion;
  name: string;
  organisation: string;
  email: string;
  address: string;
  notes: string;
}

/** As it is stored. */
export interface Order extends NewOrder {
  id: number;
  /** What the requester may name it by: `7KQ4-M2XD`. */
  reference: string;
  atMs: number;
  state: OrderState;
  /** Of the people who work on it; the requester does not see it. */
  remark: string;
  /** Of the last change by a person; null before. */
  changedAtMs: number | null;
  changedBy: string;
}

export type OrderField = keyof NewOrder;
export type OrderFault = "missing" | "too_long" | "not_email" | "not_quantity" | "not_offered";

/** Every field as it was sent. */
export type OrderInput = Record<OrderField, string>;

export type ReadOrder =
  | { order: NewOrder; faults: null }
  | { order: null; faults: Partial<Record<OrderField, OrderFault>> };

/** Checks all fields, so that the form can show every fault at once. */
export function readOrder(input: OrderInput): ReadOrder {
  const order = {
    kit: ORDER_KITS.find((kit) => kit === input.kit),
    quantity: quantityOf(input.quantity),
    region: ORDER_REGIONS.find((region) => region === input.region),
    name: singleLine(input.name),
    organisation: singleLine(input.organisation),
    email: singleLine(input.email),
    address: severalLines(input.address),
    notes: severalLines(input.notes),
  };
  const { kit, quantity, region } = order;
  const faults = faultsOf(order);
  if (kit === undefined || region === undefined || quantity === null) {
    return { order: null, faults };
  }
  if (Object.keys(faults).length > 0) return { order: null, faults };
  return { order: { ...order, kit, quantity, region }, faults: null };
}

interface Unchecked extends Omit<NewOrder, "kit" | "quantity" | "region"> {
  kit: OrderKit | undefined;
  quantity: number | null;
  region: OrderRegion | undefined;
}

function faultsOf(order: Unchecked): Partial<Record<OrderField, OrderFault>> {
  const { nameMax, emailMax, addressMax, notesMax } = ORDER_LIMITS;
  const found: [OrderField, OrderFault | null][] = [
    ["kit", order.kit === undefined ? "not_offered" : null],
    ["quantity", order.quantity === null ? "not_quantity" : null],
    ["region", order.region === undefined ? "not_offered" : null],
    ["name", lengthFault(order.name, { min: 1, max: nameMax })],
    ["organisation", lengthFault(order.organisation, { min: 0, max: nameMax })],
    ["email", emailFault(order.email, emailMax)],
    ["address", lengthFault(order.address, { min: 1, max: addressMax })],
    ["notes", lengthFault(order.notes, { min: 0, max: notesMax })],
  ];
  return Object.fromEntries(found.filter(([, fault]) => fault !== null));
}

function lengthFault(text: string, { min, max }: { min: number; max: number }): OrderFault | null {
  if (text.length < min) return "missing";
  return text.length > max ? "too_long" : null;
}

/** Whether mail arrives there, only mail can tell. */
function emailFault(text: string, max: number): OrderFault | null {
  const fault = lengthFault(text, { min: 1, max });
  return fault ?? (/^[^\s@<>"(),:;\\]+@[^\s@<>"(),:;\\]+$/.test(text) ? null : "not_email");
}

function quantityOf(text: string): number | null {
  if (!/^\s*\d{1,4}\s*$/.test(text)) return null;
  const quantity = Number(text);
  return quantity >= 1 && quantity <= ORDER_LIMITS.quantityMax ? quantity : null;
}

/** Without control characters; half a character, as a cut text may end in, is made whole. */
function singleLine(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

function severalLines(text: string): string {
  const lines = text.toWellFormed().replace(/\r\n?/g, "\n").split("\n");
  return lines.map((line) => line.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trimEnd()).join("\n")
    .trim();
}
