/** MQTT over WebSocket, frame by frame: the handshake and the frames are written by hand. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { attachWebSocket, webSocketServerOptions } from "@/mqtt/websocket_channel.ts";
import { Fixture } from "@/tests/mqtt/fixture.ts";
import { OTHER_CASES } from "@/tests/mqtt/other_cases.ts";
import { PATIENCE_MS } from "@/tests/mqtt/raw_client.ts";
import { connect as connectPacket, PacketReader, publish, subscribe } from "@/tests/mqtt/wire.ts";

const BINARY = 2;
const TEXT = 1;
const CLOSE = 8;

/** The broker of the fixture behind an HTTP port. */
async function openHttp(fixture: Fixture): Promise<AsyncDisposable & { port: number }> {
  const upgrades = new WebSocketServer(webSocketServerOptions(fixture.broker));
  const http = createServer();
  http.on("upgrade", (request, socket, head) => {
    upgrades.handleUpgrade(
      request,
      socket,
      head,
      (accepted: WebSocket) =>
        attachWebSocket(fixture.broker, accepted, {
          transport: "ws",
          remoteAddress: "127.0.0.1",
          certificate: null,
          forwarded: false,
        }),
    );
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    port: (http.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      upgrades.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** A client that writes its own handshake and frames. */
class FrameClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly packets: string[] = [];
  readonly opcodes: number[] = [];
  /** Status line and headers of the answer, in lower case. */
  head = "";
  isClosed = false;
  readonly #reader = new PacketReader(() => 4);
  #rest = new Uint8Array(0);

  constructor(port: number, subprotocol: string) {
    this.#socket = connect({ host: "127.0.0.1", port });
    this.#socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.isClosed = true);
    this.#socket.write([
      "GET /mqtt HTTP/1.1",
      `Host: 127.0.0.1:${port}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      `Sec-WebSocket-Protocol: ${subprotocol}`,
      "\r\n",
    ].join("\r\n"));
  }

  #take(chunk: Uint8Array): void {
    const bytes = new Uint8Array([...this.#rest, ...chunk]);
    const start = this.head === "" ? this.#takeHead(bytes) : 0;
    this.#rest = this.head === "" ? bytes : this.#takeFrames(bytes, start);
  }

  #takeHead(bytes: Uint8Array): number {
    const text = new TextDecoder().decode(bytes);
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return 0;
    this.head = text.slice(0, end).toLowerCase();
    return end + 4;
  }

  #takeFrames(bytes: Uint8Array, start: number): Uint8Array<ArrayBuffer> {
    let at = start;
    while (at + 2 <= bytes.length) {
      const length = bytes[at + 1]!;
      assert(length < 126, "the frames of these tests are short");
      if (at + 2 + length > bytes.length) break;
      const opcode = bytes[at]! & 15;
      this.opcodes.push(opcode);
      const payload = bytes.subarray(at + 2, at + 2 + length);
      if (opcode === BINARY) {
        this.packets.push(...this.#reader.push(payload).map(({ line }) => line));
      }
      at += 2 + length;
    }
    return bytes.slice(at);
  }

  /** One masked frame, as a client must send it. */
  frame(opcode: number, payload: readonly number[], isLast = true): void {
    assert(payload.length < 126);
    const mask = [1, 2, 3, 4];
    const masked = payload.map((byte, i) => byte ^ mask[i % 4]!);
    const header = [isLast ? 0x80 | opcode : opcode, 0x80 | payload.length];
    this.#socket.write(Uint8Array.from([...header, ...mask, ...masked]));
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!condition()) {
      assert(performance.now() < giveUpAt, `waited in vain for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async next(): Promise<string> {
    await this.until(() => this.packets.length > 0 || this.isClosed, "a packet");
    return this.packets.shift() ?? "closed";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.until(() => this.isClosed, "its own end");
  }
}

/** The test of a case that the conformance table names. */
function show(name: string, run: (port: number) => Promise<void>): void {
  assert(OTHER_CASES.some((found) => found.name === name), `"${name}" is in no list`);
  Deno.test(name, async () => {
    await using fixture = await Fixture.start();
    await using http = await openHttp(fixture);
    await run(http.port);
  });
}

const CONNECT = connectPacket({ version: 4, clientId: "ws" });

show("WebSocket: the subprotocol is mqtt", async (port) => {
  await using client = new FrameClient(port, "chat, mqtt");
  await client.until(() => client.head !== "", "the answer to the upgrade");
  assert.match(client.head, /^http\/1.1 101 /);
  assert.match(client.head, /\r\nsec-websocket-protocol: mqtt(\r\n|$)/);
});

show("WebSocket: packets come in binary frames", async (port) => {
  await using client = new FrameClient(port, "mqtt");
  client.frame(BINARY, CONNECT);
  assert.equal(await client.next(), "connack 0 0");
  client.frame(BINARY, subscribe(4, { id: 3, filters: [["t", 0]] }));
  assert.equal(await client.next(), "suback 3 0");
  assert.deepEqual(client.opcodes, [BINARY, BINARY]);
});

show("WebSocket: a text frame ends the connection", async (port) => {
  await using client = new FrameClient(port, "mqtt");
  client.frame(BINARY, CONNECT);
  assert.equal(await client.next(), "connack 0 0");
  client.frame(TEXT, [0xc0 & 0x7f, 0]);
  await client.until(() => client.opcodes.includes(CLOSE) || client.isClosed, "the end");
  assert.deepEqual(client.packets, []);
});

show("WebSocket: frames and packets need not begin together", async (port) => {
  await using client = new FrameClient(port, "mqtt");
  const stream = [
    ...CONNECT,
    ...subscribe(4, { id: 3, filters: [["t", 0]] }),
    ...publish(4, { topic: "t", payload: "one" }),
    ...publish(4, { topic: "t", payload: "two" }),
  ];
  for (let at = 0; at < stream.length; at += 7) client.frame(BINARY, stream.slice(at, at + 7));
  assert.equal(await client.next(), "connack 0 0");
  assert.equal(await client.next(), "suback 3 0");
  assert.equal(await client.next(), 'publish t "one"');
  assert.equal(await client.next(), 'publish t "two"');
  const both = [...publish(4, { topic: "t", payload: "3" }), 0xc0, 0];
  client.frame(BINARY, both.slice(0, 4), false);
  client.frame(0, both.slice(4));
  assert.equal(await client.next(), 'publish t "3"');
  assert.equal(await client.next(), "pingresp");
});
