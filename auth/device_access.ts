/**
 * Who may publish and subscribe, decided in one place for MQTT and HTTP ingest.
 *
 * Without any device credential only the gateway's own machine may send (CONTRACT §2): a new gateway
 * works at once with `mosquitto_pub` on the same host, and nobody on the network can write into it.
 */

/** Who a connection or request speaks for. */
export interface Principal {
  /** Device id; null for an anonymous sender, who may use any topic. */
  deviceId: string | null;
}

export type AnonymousPolicy = "auto" | "always" | "never";

/** What an anonymous sender shows of itself. */
export interface Approach {
  remoteAddress: string;
  /** True when a proxy's forwarding header came along: the address is then the proxy's. */
  forwarded: boolean;
}

export type TopicAction = "publish" | "will" | "subscribe" | "receive";

const OWN_TREES = ["devices", "device", "gateways"] as const;

export class DeviceAccess {
  readonly #policy: () => AnonymousPolicy;
  readonly #credentialsExist: () => boolean;

  constructor(options: { policy: () => AnonymousPolicy; credentialsExist: () => boolean }) {
    this.#policy = options.policy;
    this.#credentialsExist = options.credentialsExist;
  }

  /** An anonymous principal where the rules allow one, else null. */
  admitAnonymous(approach: Approach): Principal | null {
    const policy = this.#policy();
    if (policy === "always") return { deviceId: null };
    const local = isLoopback(approach.remoteAddress) && !approach.forwarded;
    return policy === "auto" && local && !this.#credentialsExist() ? { deviceId: null } : null;
  }

  /** A device uses its own subtrees; `$` topics are the gateway's to publish. */
  allows(principal: Principal, action: TopicAction, topic: string): boolean {
    const publishes = action === "publish" || action === "will";
    if (publishes && topic.startsWith("$")) return false;
    if (principal.deviceId === null) return true;
    const [tree, owner] = topic.split("/", 2);
    return owner === principal.deviceId && OWN_TREES.some((own) => own === tree);
  }
}

/** True for 127.0.0.0/8, ::1 and their IPv4-mapped forms. */
export function isLoopback(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:/, "");
  return plain === "::1" || /^127(\.\d{1,3}){3}$/.test(plain);
}
