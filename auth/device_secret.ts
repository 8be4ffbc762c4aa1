/**
 * Device secrets: 160 random bits, shown once, kept as HMAC-SHA-256 under a salt of their own.
 *
 * A slow hash protects passwords that people choose, because those can be guessed. 160 random bits
 * cannot be guessed at any speed, so a fast hash loses nothing; and a thousand devices that reconnect
 * after a power cut cost 9 ms of CPU instead of minutes of scrypt. The key is the salt beside the hash
 * and not a file: a backup restored on another machine keeps its devices.
 */
import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { DeviceSecret } from "@/auth/auth_store.ts";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const SECRET_CHARS = 32;
const SECRET_CHARS_MAX = 256;
/** What a device brings itself (auto-registration) must at least be this long to be kept. */
export const BROUGHT_CHARS_MIN = 16;

/** 32 characters of a–z and 2–7: 160 bits that need no quoting in any shell, URL or C string. */
export function newDeviceSecret(): string {
  const bytes = randomBytes(SECRET_CHARS);
  return Array.from(bytes, (byte) => ALPHABET[byte & 31]).join("");
}

/** True for what `newDeviceSecret` makes: in the place of an id it is not shown to anybody. */
export function looksLikeSecret(text: string): boolean {
  return /^[a-z2-7]{32}$/.test(text);
}

export function hashDeviceSecret(secret: string, nowMs: number): DeviceSecret {
  const salt = randomBytes(16).toString("hex");
  return { salt, hash: macOf(salt, secret), setAtMs: nowMs };
}

const NOBODY: DeviceSecret = { salt: "0".repeat(32), hash: "0".repeat(64), setAtMs: 0 };

/** Constant time; null stands for a device that is unknown or has no secret: same work, no. */
export function matchesDeviceSecret(secret: string, kept: DeviceSecret | null): boolean {
  const { salt, hash } = kept ?? NOBODY;
  const sent = secret.length <= SECRET_CHARS_MAX ? secret : "";
  const equal = timingSafeEqual(Buffer.from(macOf(salt, sent), "hex"), bytesOf(hash));
  return equal && kept !== null;
}

/** 32 bytes whatever is kept, so that a damaged row is a wrong secret and not an error. */
function bytesOf(hash: string): Uint8Array {
  return Buffer.concat([Buffer.from(hash, "hex"), Buffer.alloc(32)], 32);
}

/** Why a secret that a device brought itself is not kept; null when it may be. */
export function broughtSecretProblem(secret: string): string | null {
  if (secret.length < BROUGHT_CHARS_MIN || secret.length > SECRET_CHARS_MAX) {
    return `its password must have ${BROUGHT_CHARS_MIN} to ${SECRET_CHARS_MAX} characters`;
  }
  return new Set(secret).size < 8 ? "its password repeats fewer than 8 characters" : null;
}

function macOf(salt: string, secret: string): string {
  return createHmac("sha256", salt).update(secret).digest("hex");
}
