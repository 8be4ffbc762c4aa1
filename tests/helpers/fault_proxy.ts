import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";

/**
 * What the proxy does to connections, new and open ones alike:
 * `pass` forwards; `refuse` closes the port so that connecting fails; `hang` keeps every connection
 * open and moves no byte; `slow` moves `bytesPerSecond`; `half_close` ends the answers (FIN towards
 * the client) and swallows what the client still sends.
 */
export type FaultMode = "pass" | "refuse" | "hang" | "slow" | "half_close";

interface Pair {
  client: Socket;
  target: Socket;
  /** Timers that let a throttled side go on. */
  timers: Set<ReturnType<typeof setTimeout>>;
}

/** A TCP proxy on a loopback port that misbehaves on command; the port stays the same. */
export class FaultProxy implements AsyncDisposable {
  readonly #targetPort: number;
  readonly #pairs = new Set<Pair>();
  #server: Server | null = null;
  #port = 0;
  #mode: FaultMode = "pass";
  #bytesPerSecond = 1024;
  #bytesToTarget = 0;
  #bytesToClient = 0;
  #cutAfter: { direction: "to_target" | "to_client"; atBytes: number } | null = null;
  #accepted = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  static async start(targetPort: number, mode: FaultMode = "pass"): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort);
    await proxy.#listen();
    await proxy.set(mode);
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Connections accepted so far, in all modes. */
  get accepted(): number {
    return this.#accepted;
  }

  get open(): number {
    return this.#pairs.size;
  }

  get bytesToTarget(): number {
    return this.#bytesToTarget;
  }

  get bytesToClient(): number {
    return this.#bytesToClient;
  }

  /** Changes the behaviour of the proxy, also for connections that are open. */
  async set(mode: FaultMode, options: { bytesPerSecond?: number } = {}): Promise<void> {
    this.#mode = mode;
    this.#bytesPerSecond = options.bytesPerSecond ?? this.#bytesPerSecond;
    if (mode === "refuse") return await this.#close();
    if (this.#server === null) await this.#listen();
    for (const pair of this.#pairs) this.#apply(pair);
  }

  /** Resets every open connection now. */
  cut(): void {
    for (const pair of this.#pairs) {
      pair.client.resetAndDestroy();
      this.#drop(pair);
    }
  }

  /** Resets all connections once so many more bytes have passed in that direction. */
  cutAfter(direction: "to_target" | "to_client", bytes: number): void {
    const passed = direction === "to_target" ? this.#bytesToTarget : this.#bytesToClient;
    this.#cutAfter = { direction, atBytes: passed + bytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.on("connection", (client) => this.#accept(client));
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("No TCP address");
    this.#port = address.port;
    this.#server = server;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.cut();
    if (server === null) return;
    const closed = once(server, "close");
    server.close();
    await closed;
  }

  #accept(client: Socket): void {
    this.#accepted++;
    const target = createConnection({ host: "127.0.0.1", port: this.#targetPort });
    const pair = { client, target, timers: new Set<ReturnType<typeof setTimeout>>() };
    this.#pairs.add(pair);
    for (const [from, to] of [[client, target], [target, client]] as const) {
      from.on("error", () => this.#drop(pair));
      from.on("close", () => this.#drop(pair));
      from.on("data", (bytes) => this.#move({ pair, from, to, bytes }));
      from.on("end", () => to.end());
    }
    this.#apply(pair);
  }

  #apply({ client, target }: Pair): void {
    if (this.#mode === "hang") {
      client.pause();
      target.pause();
      return;
    }
    client.resume();
    target.resume();
    if (this.#mode === "half_close") client.end();
  }

  #move(step: { pair: Pair; from: Socket; to: Socket; bytes: Uint8Array | string }): void {
    const { pair, from, to, bytes } = step;
    const toTarget = from === pair.client;
    if (this.#mode === "half_close") return;
    if (toTarget) this.#bytesToTarget += bytes.length;
    else this.#bytesToClient += bytes.length;
    if (this.#isCut()) return this.cut();
    const room = to.write(bytes);
    if (this.#mode === "slow") return this.#throttle(pair, { from, bytes: bytes.length });
    if (room) return;
    from.pause();
    to.once("drain", () => this.#mode !== "hang" && from.resume());
  }

  #isCut(): boolean {
    if (this.#cutAfter === null) return false;
    const { direction, atBytes } = this.#cutAfter;
    const passed = direction === "to_target" ? this.#bytesToTarget : this.#bytesToClient;
    if (passed < atBytes) return false;
    this.#cutAfter = null;
    return true;
  }

  #throttle(pair: Pair, { from, bytes }: { from: Socket; bytes: number }): void {
    from.pause();
    const timer = setTimeout(() => {
      pair.timers.delete(timer);
      if (this.#mode !== "hang") from.resume();
    }, bytes / this.#bytesPerSecond * 1000);
    pair.timers.add(timer);
  }

  #drop(pair: Pair): void {
    this.#pairs.delete(pair);
    for (const timer of pair.timers) clearTimeout(timer);
    pair.client.destroy();
    pair.target.destroy();
  }
}
