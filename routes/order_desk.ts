/**
 * Takes requests for device kits from anybody who can reach this machine, and keeps floods out:
 *
 *     hidden field filled → a program: refused, the input kept, so that a person can send it again
 *     ticket too young    → the same;  ticket too old or of another process → a new one
 *     fields              → each fault beside its field; costs nothing of the limits
 *     per address, then in all → 429 with the time to wait
 *     stored already      → as many as may be: 503; the form sent twice: the first one's reference
 */
import { createHash, randomInt } from "node:crypto";
import { RateLimit } from "@/auth/rate_limit.ts";
import { addressKey } from "@/auth/remote_address.ts";
import { HttpError } from "@/model/errors.ts";
import type { NewOrder } from "@/model/order.ts";
import { FormTickets } from "@/routes/form_ticket.ts";
import type { Store } from "@/store/store_types.ts";

/** Of one address (an IPv6 /64 is one): a few at once, then six an hour. */
const ADDRESS_BURST = 4;
const ADDRESS_PER_SECOND = 6 / 3600;
const ADDRESSES_MAX = 10_000;
/** Of all together: a thousand requests take more than half a day. */
const ALL_BURST = 30;
const ALL_PER_SECOND = 60 / 3600;
/** Forms that were taken and may be sent once more by a second click. */
const TAKEN_MAX = 1_000;
/** Without letters and digits that look like others: a reference is read out on the telephone. */
const ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ";

export interface OrderDeskParts {
  store: Pick<Store, "changeOrder" | "state">;
  /** ms of a clock that is never set. */
  monotonicNow: () => number;
}

export interface SentOrder {
  order: NewOrder;
  ticket: string;
  address: string;
}

export class OrderDesk {
  readonly tickets: FormTickets;
  readonly #store: OrderDeskParts["store"];
  readonly #byAddress: RateLimit;
  readonly #all: RateLimit;
  readonly #taken = new Map<string, Promise<string>>();

  constructor({ store, monotonicNow: now }: OrderDeskParts) {
    this.tickets = new FormTickets(now);
    this.#store = store;
    this.#byAddress = new RateLimit({
      ...{ perSecond: ADDRESS_PER_SECOND, burst: ADDRESS_BURST, keysMax: ADDRESSES_MAX, now },
    });
    this.#all = new RateLimit({ perSecond: ALL_PER_SECOND, burst: ALL_BURST, keysMax: 1, now });
  }

  /**
   * Stores a request; resolves with its reference once it is on disk. The same form once more gives
   * the same reference. Throws HttpError 429, StoreFullError.
   */
  async place(sent: SentOrder): Promise<string> {
    const text = JSON.stringify([sent.ticket, sent.order]);
    const digest = createHash("sha256").update(text).digest("base64url");
    const known = this.#taken.get(digest);
    if (known !== undefined) return await known;
    const placed = this.#place(sent);
    this.#remember(digest, placed);
    try {
      return await placed;
    } catch (error) {
      this.#taken.delete(digest);
      throw error;
    }
  }

  async #place({ order, address }: SentOrder): Promise<string> {
    const { full } = this.#store.state;
    if (full !== null) throw full;
    this.#spend(addressKey(address));
    const reference = newReference();
    try {
      await this.#store.changeOrder({ type: "add", order, reference }, []);
    } catch (error) {
      this.#byAddress.give(addressKey(address));
      this.#all.give("");
      throw error;
    }
    return reference;
  }

  #spend(key: string): void {
    const waitSeconds = this.#byAddress.take(key);
    if (waitSeconds > 0) throw tooMany(waitSeconds);
    const waitAllSeconds = this.#all.take("");
    if (waitAllSeconds === 0) return;
    this.#byAddress.give(key);
    throw tooMany(waitAllSeconds);
  }

  #remember(digest: string, placed: Promise<string>): void {
    this.#taken.set(digest, placed);
    if (this.#taken.size <= TAKEN_MAX) return;
    const oldest = this.#taken.keys().next().value;
    if (oldest !== undefined) this.#taken.delete(oldest);
  }
}

function tooMany(waitSeconds: number): HttpError {
  const minutes = Math.ceil(waitSeconds / 60);
  return new HttpError(429, `Too many requests for device kits, wait ${minutes} min`, {
    code: "ORD-0429",
    hint: "nothing was stored; leave this page open and send it again then",
    headers: { "Retry-After": String(Math.ceil(waitSeconds)) },
  });
}

/** `7KQ4-M2XD`: 40 bits. */
function newReference(): string {
  const letters = Array.from({ length: 8 }, () => ALPHABET[randomInt(ALPHABET.length)]);
  return `${letters.slice(0, 4).join("")}-${letters.slice(4).join("")}`;
}

/** Whether a text looks like a reference; what comes by a link is shown only then. */
export function isReference(text: string): boolean {
  return /^[2-9A-Z]{4}-[2-9A-Z]{4}$/.test(text);
}
