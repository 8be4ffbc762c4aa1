/**
 * Cuts what is live when the right to it ends: event streams, WebSockets, MQTT connections.
 *
 * Whoever holds a connection open watches its holder and gives a way to cut it. Revoking is one call
 * that cuts at once, in the same turn of the event loop in which the change was committed: far below
 * the five seconds that the contract allows. What ends by itself (an access token, a certificate) is
 * found by `sweep`, which the gateway calls every second.
 */

/** Whom a live connection belongs to. */
export type Holder =
  | { kind: "person"; userId: string; sessionId: string; expiresAtMs: number }
  | {
    kind: "device";
    deviceId: string;
    /** Of the certificate that opened the connection; null when a secret did. */
    fingerprint: string | null;
    expiresAtMs: number | null;
  };

/** What ended. */
export type Revoked =
  | { kind: "user"; userId: string; /** This one goes on. */ keepSessionId: string | null }
  | { kind: "session"; userId: string; sessionId: string }
  | { kind: "device"; deviceId: string }
  | { kind: "device_secret"; deviceId: string }
  | { kind: "certificate"; deviceId: string; fingerprint: string };

export type RevokedListener = (revoked: Revoked) => void;

interface Watch {
  holder: Holder;
  cut: (why: string) => void;
}

export class Revocations {
  readonly #watches = new Map<string, Set<Watch>>();
  readonly #expiring = new Set<Watch>();
  readonly #listeners = new Set<RevokedListener>();

  /** Hears everything that ends; returns the way to stop listening. */
  onRevoked(listener: RevokedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `cut` is called at most once, with words for the log; call the result when it closed by itself. */
  watch(holder: Holder, cut: (why: string) => void): () => void {
    const watch = { holder, cut };
    const key = keyOf(holder);
    const watches = this.#watches.get(key) ?? new Set();
    this.#watches.set(key, watches.add(watch));
    if (holder.expiresAtMs !== null) this.#expiring.add(watch);
    return () => this.#forget(watch);
  }

  revoke(revoked: Revoked): void {
    const key = "userId" in revoked ? `user ${revoked.userId}` : `device ${revoked.deviceId}`;
    const watches = this.#watches.get(key) ?? new Set();
    for (const watch of [...watches]) {
      // Cutting one may have closed another, which is nobody's any more.
      if (watches.has(watch) && ends(revoked, watch.holder)) {
        this.#cut(watch, `${revoked.kind} revoked`);
      }
    }
    for (const listener of this.#listeners) listener(revoked);
  }

  /** Cuts what has expired. */
  sweep(nowMs: number): void {
    for (const watch of [...this.#expiring]) {
      const { expiresAtMs } = watch.holder;
      const over = expiresAtMs !== null && expiresAtMs <= nowMs;
      if (over && this.#expiring.has(watch)) this.#cut(watch, "expired");
    }
  }

  /** Open connections that are watched. */
  get size(): number {
    let size = 0;
    for (const watches of this.#watches.values()) size += watches.size;
    return size;
  }

  #cut(watch: Watch, why: string): void {
    this.#forget(watch);
    watch.cut(why);
  }

  #forget(watch: Watch): void {
    const key = keyOf(watch.holder);
    const watches = this.#watches.get(key);
    watches?.delete(watch);
    if (watches?.size === 0) this.#watches.delete(key);
    this.#expiring.delete(watch);
  }
}

function keyOf(holder: Holder): string {
  return holder.kind === "person" ? `user ${holder.userId}` : `device ${holder.deviceId}`;
}

function ends(revoked: Revoked, holder: Holder): boolean {
  if (holder.kind === "person") {
    if (revoked.kind === "user") return holder.sessionId !== revoked.keepSessionId;
    return revoked.kind === "session" && holder.sessionId === revoked.sessionId;
  }
  if (revoked.kind === "device") return true;
  if (revoked.kind === "device_secret") return holder.fingerprint === null;
  return revoked.kind === "certificate" && holder.fingerprint === revoked.fingerprint;
}
