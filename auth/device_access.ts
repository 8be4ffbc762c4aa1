/**
 * Who may publish and subscribe, decided in one place for MQTT and HTTP ingest.
 *
 * Without any device credential only the gateway's own machine may send (CONTRACT §2): a new gateway
 * works at once with `mosquitto_pub` on the same host, and nobody on the network can write into it.
 */
import type { TopicGrant } from "@/auth/auth_store.ts";
import { isLoopback } from "@/auth/remote_address.ts";

export { isLoopback };

/** Who a connection or request speaks for. */
export interface Principal {
  /** Device id; null for an anonymous sender, who may use any topic. */
  deviceId: string | null;
  /** Of the client certificate that proved it, SHA-256 hex; absent when a secret did. */
  fingerprint?: string;
}

export type AnonymousPolicy = "auto" | "always" | "never";

/** What an anonymous sender shows of itself. */
export interface Approach {
  remoteAddress: string;
  /** True when a proxy's forwarding header came along: the address is then the proxy's. */
  forwarded: boolean;
  /**
   * True when a web page sends (an `Origin` header): any site that a browser on this machine has open
   * reaches loopback, and a WebSocket needs nobody's leave to do so.
   */
  fromPage?: boolean;
}

export type TopicAction = "publish" | "will" | "subscribe" | "receive";

const OWN_TREES = ["devices/", "device/", "gateways/"] as const;
const NO_GRANTS: readonly TopicGrant[] = [];

export class DeviceAccess {
  readonly #policy: () => AnonymousPolicy;
  readonly #credentialsExist: () => boolean;
  readonly #grantsOf: (deviceId: string) => readonly TopicGrant[];

  /** `grantsOf` is asked each time, so that a changed grant holds for open connections too. */
  constructor(
    options: {
      policy: () => AnonymousPolicy;
      credentialsExist: () => boolean;
      grantsOf?: (deviceId: string) => readonly TopicGrant[];
    },
  ) {
    this.#policy = options.policy;
    this.#credentialsExist = options.credentialsExist;
    this.#grantsOf = options.grantsOf ?? (() => NO_GRANTS);
  }

  /** True while senders without a credential are taken: a warning on every page. */
  get anonymousOpen(): boolean {
    const policy = this.#policy();
    return policy === "always" || (policy === "auto" && !this.#credentialsExist());
  }

  /** An anonymous principal where the rules allow one, else null. */
  admitAnonymous(approach: Approach): Principal | null {
    if (!this.anonymousOpen) return null;
    if (this.#policy() === "always") return { deviceId: null };
    return this.isThisMachine(approach) && approach.fromPage !== true ? { deviceId: null } : null;
  }

  /** True when it comes from the gateway's own machine, not through a proxy on it. */
  isThisMachine({ remoteAddress, forwarded }: Approach): boolean {
    return isLoopback(remoteAddress) && !forwarded;
  }

  /** A device uses its own subtrees and what it was granted; `$` topics are the gateway's to publish. */
  allows(principal: Principal, action: TopicAction, topic: string): boolean {
    const publishes = action === "publish" || action === "will";
    if (publishes && topic.startsWith("$")) return false;
    if (principal.deviceId === null) return true;
    if (ownsTopic(principal.deviceId, topic)) return true;
    const wanted = publishes ? "publish" : "subscribe";
    return this.#grantsOf(principal.deviceId)
      .some((grant) => grant.action === wanted && covers(grant.filter, topic));
  }
}

/** True below `devices/<id>`, `device/<id>`, `gateways/<id>`; written without splitting: hot path. */
function ownsTopic(deviceId: string, topic: string): boolean {
  for (const tree of OWN_TREES) {
    if (!topic.startsWith(tree) || !topic.startsWith(deviceId, tree.length)) continue;
    const end = tree.length + deviceId.length;
    if (topic.length === end || topic[end] === "/") return true;
  }
  return false;
}

/**
 * True when every topic that `wanted` (a topic name or a filter) stands for matches `granted`.
 * A first level of wildcards does not reach topics that start with `$` [MQTT-4.7.2-1].
 */
export function covers(granted: string, wanted: string): boolean {
  if (wanted.startsWith("$") && !granted.startsWith("$")) return false;
  const have = granted.split("/");
  const want = wanted.split("/");
  for (const [i, level] of have.entries()) {
    if (level === "#") return true;
    const asked = want[i];
    if (asked === undefined || asked === "#") return false;
    if (level !== "+" && level !== asked) return false;
    // "a/#" matches "a" itself too: the number sign stands for the parent as well.
    if (i === want.length - 1 && have[i + 1] === "#") return true;
  }
  return have.length === want.length;
}

/** True for what may be granted: a well-formed filter of at most 256 characters. */
export function isGrantFilter(filter: string): boolean {
  if (filter === "" || filter.length > 256 || filter.startsWith("$share/")) return false;
  const levels = filter.split("/");
  return levels.every((level, i) => {
    if (level === "#") return i === levels.length - 1;
    return level === "+" || !/[+#\p{Cc}\p{Cs}]/u.test(level);
  });
}
