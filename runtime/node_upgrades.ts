/** Upgrade requests on node's server that the app is being asked about. */
import type { WebSocket } from "ws";

export type TakeSocket = (socket: WebSocket) => void;

export class NodeUpgrades {
  readonly #waiting = new WeakMap<Request, (take: TakeSocket) => void>();

  offer(request: Request, take: (take: TakeSocket) => void): void {
    this.#waiting.set(request, take);
  }

  /** Takes the socket of a request once it is upgraded; false for a request from elsewhere. */
  take(request: Request, take: TakeSocket): boolean {
    const accept = this.#waiting.get(request);
    accept?.(take);
    return accept !== undefined;
  }
}
