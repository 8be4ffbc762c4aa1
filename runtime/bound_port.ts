/** A port to listen on: a taken one is named and tried again, the rest of the gateway comes up. */
import type { ListenAddress } from "@/mqtt/listener.ts";
import type { Logger } from "@/observe/log.ts";
import { joinAddress, listenError, type Protocol } from "@/runtime/listen_error.ts";

const RETRY_MS = 5_000;

/** What `listen` gives: bound, and able to stop accepting. */
export interface Bound {
  hostname: string;
  port: number;
  stop(): Promise<void>;
}

export interface PortPlan<L extends Bound> {
  protocol: Protocol;
  at: ListenAddress;
  /** Rejects when the address cannot be bound. */
  listen: (at: ListenAddress) => Promise<L>;
  log: Logger;
}

export class BoundPort<L extends Bound> {
  readonly #plan: PortPlan<L>;
  #listener: L | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #problem = "";
  #stopped = false;

  constructor(plan: PortPlan<L>) {
    this.#plan = plan;
  }

  /** Null while the port is taken. */
  get listener(): L | null {
    return this.#listener;
  }

  /** `127.0.0.1:1883`; null while the port is taken. */
  get address(): string | null {
    const bound = this.#listener;
    return bound === null ? null : joinAddress(bound.hostname, bound.port);
  }

  /** What a successor on the same port listens on: port 0 has become the one that was picked. */
  get at(): ListenAddress {
    return { ...this.#plan.at, port: this.#listener?.port ?? this.#plan.at.port };
  }

  /** Binds, or plans the next attempt. */
  async start(): Promise<void> {
    try {
      this.#listener = await this.#plan.listen(this.#plan.at);
      if (this.#stopped) await this.stop();
    } catch (error) {
      this.#name(error);
      if (!this.#stopped) this.#retry = setTimeout(() => this.start(), RETRY_MS);
    }
  }

  /** Accepts no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#listener?.stop();
    this.#listener = null;
  }

  /** Once, and again only when the reason is another one. */
  #name(error: unknown): void {
    const { protocol, at, log } = this.#plan;
    const { message, hint, code } = listenError(protocol, at, error);
    if (message === this.#problem) return;
    this.#problem = message;
    log.error("{message}", { message, hint, code });
  }
}

/** Without what is not bound. */
export function boundAddresses(all: Record<string, string | null>): Record<string, string> {
  const bound: Record<string, string> = {};
  for (const [name, address] of Object.entries(all)) if (address !== null) bound[name] = address;
  return bound;
}
