/** A node Duplex stream (TCP or TLS socket) as the channel of a connection. */

import type { Duplex } from "node:stream";
import type { Channel, ChannelEvents } from "@/mqtt/broker_types.ts";

export class StreamChannel implements Channel {
  readonly #stream: Duplex;
  #events: ChannelEvents | null = null;
  #isClosed = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  open(events: ChannelEvents): void {
    this.#events = events;
    const stream = this.#stream;
    // A plain view: taking a part of a Buffer makes a Buffer again, at three times the cost.
    stream.on(
      "data",
      (chunk: Uint8Array) =>
        events.data(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)),
    );
    // The peer ended its side: there is nobody left to talk to.
    stream.on("end", () => this.destroy());
    // A reset is an end like any other; "close" follows.
    stream.on("error", () => {});
    stream.on("close", () => this.#closed());
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events?.closed();
  }

  readonly #written = (): void => {
    if (!this.#isClosed && this.#stream.writableLength === 0) this.#events?.drained();
  };

  send(bytes: Uint8Array): void {
    if (!this.#stream.writableEnded && !this.#stream.destroyed) {
      this.#stream.write(bytes, this.#written);
    }
  }

  bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  pauseReading(): void {
    this.#stream.pause();
  }

  resumeReading(): void {
    this.#stream.resume();
  }

  close(): void {
    if (!this.#stream.destroyed) this.#stream.end();
    // Whatever still comes is not read; the peer's end is waited for.
    this.#stream.resume();
  }

  destroy(): void {
    this.#stream.destroy();
  }
}
