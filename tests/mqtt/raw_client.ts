/** A TCP connection to a broker in raw bytes, with everything it received read strictly. */

import { connect, type Socket } from "node:net";
import { PacketReader, type Seen, type Version } from "@/tests/mqtt/wire.ts";

/** How long a test waits for the other side before it says what it waited for. */
export const PATIENCE_MS = 20_000;

export class RawClient {
  version: Version;
  /** Received and not yet taken. */
  readonly packets: Seen[] = [];
  /** All bytes ever received. */
  bytesReceived = 0;
  /** Something that no server may send, as the reader found it. */
  fault: Error | null = null;
  readonly #socket: Socket;
  readonly #reader: PacketReader;
  #isClosed = false;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket, version: Version) {
    this.#socket = socket;
    this.version = version;
    this.#reader = new PacketReader(() => this.version);
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    socket.on("error", () => {}); // "close" follows
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      this.#isClosed = true;
      this.#wake?.();
    });
  }

  static async open(port: number, version: Version): Promise<RawClient> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new RawClient(socket, version);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  #take(chunk: Uint8Array): void {
    this.bytesReceived += chunk.length;
    try {
      this.packets.push(...this.#reader.push(chunk));
    } catch (error) {
      this.fault = error as Error;
      this.#socket.destroy();
    }
    this.#wake?.();
  }

  send(bytes: Uint8Array | readonly number[]): void {
    if (!this.#socket.destroyed) this.#socket.write(Uint8Array.from(bytes));
  }

  /** Sends and waits until the system has taken the bytes. */
  async sendAll(bytes: Uint8Array): Promise<void> {
    if (this.#socket.destroyed) return;
    await new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  /** Stops or goes on taking bytes from the socket. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends without DISCONNECT: a reset. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  /** The next packet; fails when the connection ends instead. */
  async next(): Promise<Seen> {
    if (this.packets.length === 0) {
      await this.until(() => this.packets.length > 0 || this.#isClosed, "a packet");
    }
    this.#check();
    const packet = this.packets.shift();
    if (packet === undefined) throw new Error("the server closed instead of sending a packet");
    return packet;
  }

  /** Waits until the server has closed; what came before stays in `packets`. */
  async closed(): Promise<void> {
    await this.until(() => this.#isClosed, "the server to close the connection");
    this.#check();
    if (this.#reader.rest > 0) throw new Error("the connection ended inside a packet");
  }

  #check(): void {
    if (this.fault !== null) throw this.fault;
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE_MS);
    });
    try {
      while (!condition()) {
        await Promise.race([patience, new Promise<void>((resolve) => this.#wake = resolve)]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.until(() => this.#isClosed, "its own end");
  }
}
