/** The broker as other people's programs meet it: real clock, TCP, TLS and WebSocket. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { Broker } from "@/mqtt/broker.ts";
import type { ConnectRequest, SessionStore } from "@/mqtt/broker_types.ts";
import type { BrokerLimits } from "@/mqtt/limits.ts";
import { type Listener, listenTcp, listenTls } from "@/mqtt/listener.ts";
import { MemorySessionStore } from "@/mqtt/memory_session_store.ts";
import { attachWebSocket, webSocketServerOptions } from "@/mqtt/websocket_channel.ts";
import { TestAuthority } from "@/tests/helpers/certificates.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";

export interface OpenBrokerOptions {
  limits?: Partial<BrokerLimits>;
  store?: SessionStore;
  /** 0 takes a free one */
  port?: number;
}

export class OpenBroker implements AsyncDisposable {
  readonly broker: Broker;
  readonly requests: ConnectRequest[] = [];
  /** Topics that reached the product, in order. */
  readonly handed: string[] = [];
  readonly #listeners: AsyncDisposable[] = [];
  port = 0;

  private constructor(options: OpenBrokerOptions) {
    this.broker = new Broker({
      hooks: {
        authenticate: (request) => {
          this.requests.push(request);
          return { principal: { id: request.certificate?.commonName ?? request.username } };
        },
        authorize: () => true,
        accept: ({ topic }) => {
          this.handed.push(topic);
          return "route";
        },
      },
      store: options.store ?? new MemorySessionStore(),
      principalOf: (id) => ({ id }),
      info: { version: "interop" },
      limits: options.limits,
    });
  }

  static async start(options: OpenBrokerOptions = {}): Promise<OpenBroker> {
    const opened = new OpenBroker(options);
    await opened.broker.start();
    const address = { hostname: "127.0.0.1", port: options.port ?? 0 };
    const listener = await listenTcp(opened.broker, address);
    opened.#listeners.push(listener);
    opened.port = listener.port;
    return opened;
  }

  /** A TLS listener whose clients may bring a certificate of `authority`. */
  async openTls(authority: TestAuthority, requireCertificate = false): Promise<Listener> {
    const { key, certificate } = await authority.issue("localhost");
    const identity = { key, cert: certificate, ca: authority.certificate };
    const address = { hostname: "127.0.0.1", port: 0 };
    const listener = await listenTls(this.broker, { ...address, identity, requireCertificate });
    this.#listeners.push(listener);
    return listener;
  }

  /** The port of an HTTP server that upgrades at any path. */
  async openWebSocket(): Promise<number> {
    const upgrades = new WebSocketServer(webSocketServerOptions(this.broker));
    const http = createServer();
    http.on("upgrade", (request, socket, head) => {
      upgrades.handleUpgrade(
        request,
        socket,
        head,
        (accepted: WebSocket) =>
          attachWebSocket(this.broker, accepted, {
            transport: "ws",
            remoteAddress: "127.0.0.1",
            certificate: null,
            forwarded: false,
          }),
      );
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    this.#listeners.push(closingOf(http, upgrades));
    return (http.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) await listener[Symbol.asyncDispose]();
    await this.broker.stop();
  }
}

function closingOf(http: Server, upgrades: WebSocketServer): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      upgrades.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** Certificates of one authority as the files that command lines want. */
export async function writeCertificates(
  folder: TempDir,
  { authority, client }: { authority: TestAuthority; client: string },
): Promise<{ ca: string; certificate: string; key: string }> {
  const issued = await authority.issue(client);
  const paths = {
    ca: folder.join("ca.pem"),
    certificate: folder.join(`${client}.pem`),
    key: folder.join(`${client}.key`),
  };
  await Deno.writeTextFile(paths.ca, authority.certificate);
  await Deno.writeTextFile(paths.certificate, issued.certificate);
  await Deno.writeTextFile(paths.key, issued.key, { mode: 0o600 });
  return paths;
}
