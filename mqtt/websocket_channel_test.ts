import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import mqtt from "mqtt";
import { TestBroker, until } from "@/mqtt/test_peer.ts";
import {
  attachWebSocket,
  type WebSocketLike,
  webSocketServerOptions,
} from "@/mqtt/websocket_channel.ts";

interface UpgradeServer {
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    done: (socket: WebSocketLike) => void,
  ): void;
  close(): void;
}

// The `ws` that npm `mqtt` itself uses: the shape that the channel is made for.
const mqttPackage = await Deno.realPath(
  new URL("../node_modules/mqtt/package.json", import.meta.url),
);
const requireFromMqtt = createRequire(mqttPackage);
const { WebSocketServer, WebSocket: WsClient } = requireFromMqtt("ws") as {
  WebSocketServer: new (options: unknown) => UpgradeServer;
  WebSocket: new (url: string, protocols: string[]) => WebSocketLike & {
    protocol: string;
    on(event: "open", listener: () => void): unknown;
    send(data: string): void;
  };
};

/** The broker behind an HTTP port, as the product has it. */
async function openHttp(server: TestBroker): Promise<AsyncDisposable & { url: string }> {
  const upgrades = new WebSocketServer(webSocketServerOptions(server.broker));
  const http = createServer();
  http.on(
    "upgrade",
    (request, socket, head) =>
      upgrades.handleUpgrade(
        request,
        socket,
        head,
        (accepted) =>
          attachWebSocket(server.broker, accepted, {
            transport: "ws",
            remoteAddress: request.socket.remoteAddress ?? "",
            certificate: null,
            forwarded: request.headers["x-forwarded-for"] !== undefined,
          }),
      ),
  );
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}/mqtt`,
    async [Symbol.asyncDispose]() {
      upgrades.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

Deno.test("npm mqtt speaks to the broker over WebSocket, large payloads included", async () => {
  await using server = await TestBroker.start();
  await using http = await openHttp(server);
  for (const protocolVersion of [4, 5] as const) {
    const client = await mqtt.connectAsync(http.url, { protocolVersion, reconnectPeriod: 0 });
    const received: Uint8Array[] = [];
    client.on("message", (_topic, payload) => received.push(payload));
    await client.subscribeAsync("big", { qos: 1 });
    const payload = new Uint8Array(700_000).map((_, i) => i * 7);
    await client.publishAsync("big", payload as Buffer, { qos: 1 });
    await until(() => received.length === 1, "the message came back");
    assert.equal(Buffer.compare(received[0]!, payload), 0);
    assert.equal(server.broker.connections()[0]!.transport, "ws");
    await client.endAsync();
    await until(() => server.broker.connections().length === 0, "the connection ended");
  }
});

Deno.test("[MQTT-6.0.0-1] [MQTT-6.0.0-4] a text frame ends the connection, the subprotocol is mqtt", async () => {
  await using server = await TestBroker.start();
  await using http = await openHttp(server);
  const client = new WsClient(http.url, ["other", "mqtt"]);
  const closed = Promise.withResolvers<unknown>();
  client.on("open", () => client.send("hello"));
  client.on("close", (code) => closed.resolve(code));
  assert.equal(await closed.promise, 1003);
  assert.equal(client.protocol, "mqtt");
  await until(() => server.broker.statistics.connections === 0, "the connection is forgotten");
});

Deno.test("stop ends WebSocket connections with DISCONNECT", async () => {
  await using server = await TestBroker.start();
  await using http = await openHttp(server);
  const client = await mqtt.connectAsync(http.url, { protocolVersion: 5, reconnectPeriod: 0 });
  const told = Promise.withResolvers<number | undefined>();
  client.on("disconnect", (packet) => told.resolve(packet.reasonCode));
  await server.broker.stop();
  assert.equal(await told.promise, 0x8b);
  await client.endAsync(true);
});
