/**
 * Passwords at rest: scrypt with its parameters in the text, PHC style.
 *
 * scrypt because it is built in and runs on a thread beside the event loop (argon2 in WebAssembly
 * blocks it). N = 2^14, r = 8, p = 5 is one of the settings OWASP names as equal in strength to
 * N = 2^17, p = 1, but needs 16 MiB instead of 128: a Raspberry Pi with 1 GiB runs two at once.
 * 160 ms on a 2-core x86-64, about 0.7 s on a Pi 4.
 */
import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { tooBusy } from "@/auth/refusals.ts";

export interface ScryptCost {
  /** Base-2 logarithm of N. */
  log2N: number;
  r: number;
  p: number;
}

export const PASSWORD_COST: ScryptCost = { log2N: 14, r: 8, p: 5 };

export const PASSWORD_CHARS_MIN = 10;
export const PASSWORD_BYTES_MAX = 1024;

const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** A text from the store never makes one check cost more memory than this (128 · N · r bytes). */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** The ones of ten characters and more that every list of leaked passwords starts with. */
const COMMON = new Set([
  ...["1q2w3e4r5t", "1qaz2wsx3edc", "qwertyuiop", "qwerty12345", "qwerty123456", "q1w2e3r4t5y6"],
  ...["password12", "password123", "password1234", "password12345", "passw0rd123", "p@ssw0rd123"],
  ...["administrator", "admin12345", "admin123456", "welcome123", "welcome1234", "changeme123"],
  ...["iloveyou123", "letmein123", "raspberry123", "raspberrypi", "mosquitto123", "123456789a"],
  ...["1234512345", "12345678910", "0987654321", "1122334455", "1029384756", "qazwsxedcrfv"],
]);

interface Parsed {
  cost: ScryptCost;
  salt: Uint8Array;
  hash: Uint8Array;
}

export interface Verdict {
  matches: boolean;
  /** Stored with other parameters than today's: hash again while the password is at hand. */
  outdated: boolean;
}

export class PasswordHasher {
  readonly #cost: ScryptCost;
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** At most `runningMax` hashes run at once and `waitingMax` wait; more get HttpError 503. */
  constructor(options: { cost?: ScryptCost; runningMax?: number; waitingMax?: number } = {}) {
    this.#cost = options.cost ?? PASSWORD_COST;
    this.#runningMax = options.runningMax ?? 2;
    this.#waitingMax = options.waitingMax ?? 32;
  }

  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.#derive(password, { salt, cost: this.#cost });
    return write({ cost: this.#cost, salt, hash });
  }

  /**
   * Compares in constant time. `stored` null stands for a person who does not exist: the same work
   * is done and the answer is no, so that time does not tell which names exist.
   */
  async verify(password: string, stored: string | null): Promise<Verdict> {
    const known = stored === null ? null : parse(stored);
    const { cost, salt, hash } = known ?? this.#decoy();
    const derived = await this.#derive(password, { salt, cost });
    const equal = timingSafeEqual(derived, hash);
    return { matches: equal && known !== null, outdated: !sameCost(cost, this.#cost) };
  }

  #decoy(): Parsed {
    return { cost: this.#cost, salt: new Uint8Array(SALT_BYTES), hash: randomBytes(HASH_BYTES) };
  }

  async #derive(
    password: string,
    { salt, cost }: { salt: Uint8Array; cost: ScryptCost },
  ): Promise<Uint8Array> {
    await this.#enter();
    try {
      return await runScrypt(password, { salt, cost });
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < this.#runningMax) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= this.#waitingMax) throw tooBusy();
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place goes straight to the next one waiting, so nobody can slip in between. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}

/**
 * Why a password is refused, as a sentence; null when it may be used. Length counts, composition
 * rules do not: they make people write `Password1!`.
 */
export function passwordProblem(password: string, name: string): string | null {
  const characters = [...password.normalize("NFKC")];
  if (characters.length < PASSWORD_CHARS_MIN) {
    return `The password has ${characters.length} characters, ${PASSWORD_CHARS_MIN} are needed`;
  }
  if (new TextEncoder().encode(password).length > PASSWORD_BYTES_MAX) {
    return `The password is longer than ${PASSWORD_BYTES_MAX} bytes`;
  }
  if (new Set(characters).size < 5) return "The password repeats fewer than 5 characters";
  if (name.length >= 3 && password.toLowerCase().includes(name.toLowerCase())) {
    return "The password contains the user name";
  }
  if (isRun(characters)) return "The password is a run of neighbouring characters";
  return COMMON.has(password.toLowerCase()) ? "The password is among the most common ones" : null;
}

/** `0123456789`, `abcdefghij`, `1234567890`: each character one step from the one before. */
function isRun(characters: string[]): boolean {
  const codes = characters.map((character) => character.codePointAt(0) ?? 0);
  const steps = new Set(codes.slice(1).map((code, i) => code - (codes[i] ?? 0)));
  return steps.size === 1 || (steps.size === 2 && steps.has(1) && steps.has(-9));
}

function runScrypt(
  password: string,
  { salt, cost }: { salt: Uint8Array; cost: ScryptCost },
): Promise<Uint8Array> {
  const N = 2 ** cost.log2N;
  const options = { N, r: cost.r, p: cost.p, maxmem: MEMORY_BYTES_MAX + 128 * cost.r * cost.p };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFKC"), salt, HASH_BYTES, options, (error, derived) => {
      if (error === null) resolve(derived);
      else reject(error);
    });
  });
}

function parse(text: string): Parsed | null {
  const [, ln, r, p, salt, hash] = PHC.exec(text) ?? [];
  if (salt === undefined || hash === undefined) return null;
  const cost = { log2N: Number(ln), r: Number(r), p: Number(p) };
  if (cost.log2N < 1 || cost.r < 1 || cost.p < 1) return null;
  if (128 * 2 ** cost.log2N * cost.r > MEMORY_BYTES_MAX) return null;
  const parsed = { cost, salt: bytesOf(salt), hash: bytesOf(hash) };
  return parsed.hash.length === HASH_BYTES ? parsed : null;
}

/** Base64 as Node reads it: what is no base64 gives fewer bytes, never an error. */
function bytesOf(base64: string): Uint8Array {
  return Buffer.from(base64, "base64");
}

function write({ cost, salt, hash }: Parsed): string {
  const parameters = `ln=${cost.log2N},r=${cost.r},p=${cost.p}`;
  return `$scrypt$${parameters}$${unpadded(salt)}$${unpadded(hash)}`;
}

function unpadded(bytes: Uint8Array): string {
  return new Uint8Array(bytes).toBase64({ omitPadding: true });
}

function sameCost(one: ScryptCost, other: ScryptCost): boolean {
  return one.log2N === other.log2N && one.r === other.r && one.p === other.p;
}
