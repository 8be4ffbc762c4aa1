/**
 * Slows guessing of people's passwords, without a lock that would shut out the true person.
 *
 * Four budgets of failed attempts, refilled with time (a delay, never a lock):
 *
 * | Budget | Burst | Refill | Stops |
 * | --- | --- | --- | --- |
 * | account + address | 5 | 1 a minute | guessing one account from one place |
 * | address | 20 | 1 in 10 s | one password tried over many accounts |
 * | account, strangers | 30 | 1 in 10 s | one account guessed from many places |
 * | account + known browser | 10 | 1 in 30 s | a stolen browser; the only budget such a browser has |
 *
 * A browser that signed in before shows a cookie that says so (`known_browser.ts`) and is counted
 * alone: whatever strangers do to an account or behind the same address, its owner gets in from there.
 * Each attempt pays before the password is looked at and is paid back when it was right, so that a
 * thousand attempts at once get no further than a thousand in a row.
 */
import { RateLimit } from "@/auth/rate_limit.ts";
import { addressKey } from "@/auth/remote_address.ts";

export interface LoginAttempt {
  /** The name as sent, whether such a person exists or not. */
  account: string;
  address: string;
  /** Id of a browser that has signed in to this account before, else null. */
  knownBrowser: string | null;
}

export type Admission =
  | { admitted: true; /** The password was right: nothing is charged. */ refund: () => void }
  | { admitted: false; retryAfterSeconds: number };

interface Charge {
  limit: RateLimit;
  key: string;
}

const KEYS_MAX = 20_000;

export class LoginThrottle {
  readonly #pair: RateLimit;
  readonly #address: RateLimit;
  readonly #account: RateLimit;
  readonly #known: RateLimit;

  constructor(options: { now: () => number }) {
    const shared = { now: options.now, keysMax: KEYS_MAX };
    this.#pair = new RateLimit({ ...shared, burst: 5, perSecond: 1 / 60 });
    this.#address = new RateLimit({ ...shared, burst: 20, perSecond: 1 / 10 });
    this.#account = new RateLimit({ ...shared, burst: 30, perSecond: 1 / 10 });
    this.#known = new RateLimit({ ...shared, burst: 10, perSecond: 1 / 30 });
  }

  /** Charges every budget that the attempt falls under, or none and says how long to wait. */
  admit(attempt: LoginAttempt): Admission {
    const charged: Charge[] = [];
    for (const charge of this.#chargesFor(attempt)) {
      const retryAfterSeconds = charge.limit.take(charge.key);
      if (retryAfterSeconds > 0) {
        giveBack(charged);
        return { admitted: false, retryAfterSeconds };
      }
      charged.push(charge);
    }
    return { admitted: true, refund: () => giveBack(charged) };
  }

  #chargesFor({ account, address, knownBrowser }: LoginAttempt): Charge[] {
    const who = account.toLowerCase();
    const where = addressKey(address);
    if (knownBrowser !== null) {
      return [{ limit: this.#known, key: `${who}\n${knownBrowser}` }];
    }
    return [
      { limit: this.#pair, key: `${who}\n${where}` },
      { limit: this.#address, key: where },
      { limit: this.#account, key: who },
    ];
  }
}

function giveBack(charges: Charge[]): void {
  for (const { limit, key } of charges) limit.give(key);
}
