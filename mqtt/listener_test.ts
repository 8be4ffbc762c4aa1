import "reflect-metadata";
import assert from "node:assert/strict";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { Broker } from "@/mqtt/broker.ts";
import type { ConnectRequest } from "@/mqtt/broker_types.ts";
import { encodePacket } from "@/mqtt/codec/packet_encoder.ts";
import { listenTcp, listenTls, type TlsIdentity } from "@/mqtt/listener.ts";
import { MemorySessionStore } from "@/mqtt/memory_session_store.ts";
import { connectPacket } from "@/mqtt/test_peer.ts";
import { TestAuthority } from "@/tests/helpers/certificates.ts";

async function issue(authority: TestAuthority, name: string) {
  const { key, certificate } = await authority.issue(name);
  return { key, cert: certificate };
}

async function makeIdentity(authority: TestAuthority): Promise<TlsIdentity> {
  return { ...await issue(authority, "localhost"), ca: authority.certificate };
}

async function startBroker(requests: ConnectRequest[]): Promise<Broker> {
  const broker = new Broker({
    hooks: {
      authenticate: (request) => {
        requests.push(request);
        return { principal: { id: request.certificate?.commonName ?? null } };
      },
      authorize: () => true,
      accept: () => "route",
    },
    store: new MemorySessionStore(),
    principalOf: (id) => ({ id }),
  });
  await broker.start();
  return broker;
}

/** The bytes that answer CONNECT, or null when the connection ends without one. */
function connack(options: ConnectionOptions): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connect(
      options,
      () => socket.write(encodePacket(connectPacket({}), 4)),
    );
    socket.on("data", (data: Uint8Array) => {
      resolve(Uint8Array.from(data));
      socket.destroy();
    });
    socket.on("error", () => resolve(null));
    socket.on("close", () => resolve(null));
  });
}

Deno.test("TLS: with and without client certificate, a foreign one is refused, reload", async () => {
  const [ours, foreign] = [
    await TestAuthority.create("ours"),
    await TestAuthority.create("foreign"),
  ];
  const requests: ConnectRequest[] = [];
  await using broker = await startBroker(requests);
  await using listener = await listenTls(broker, {
    hostname: "127.0.0.1",
    port: 0,
    identity: await makeIdentity(ours),
  });
  const base = {
    host: "127.0.0.1",
    port: listener.port,
    servername: "localhost",
    ca: ours.certificate,
  };
  const accepted = Uint8Array.of(0x20, 2, 0, 0);
  assert.deepEqual(await connack(base), accepted);
  assert.deepEqual(await connack({ ...base, ...await issue(ours, "dev-42") }), accepted);
  assert.equal(await connack({ ...base, ...await issue(foreign, "dev-42") }), null);
  assert.deepEqual(requests.map((r) => r.certificate?.commonName ?? null), [null, "dev-42"]);
  assert.match(requests[1]!.certificate!.fingerprint256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.deepEqual([requests[0]!.transport, requests[0]!.remoteAddress], ["tls", "127.0.0.1"]);

  const renewed = await TestAuthority.create("renewed");
  listener.reload(await makeIdentity(renewed));
  assert.equal(await connack(base), null, "the old authority does not vouch for it");
  const ca = renewed.certificate;
  assert.deepEqual(await connack({ ...base, ca }), accepted);
});

Deno.test("TLS: a certificate can be demanded", async () => {
  const ours = await TestAuthority.create("ours");
  const requests: ConnectRequest[] = [];
  await using broker = await startBroker(requests);
  await using listener = await listenTls(broker, {
    hostname: "127.0.0.1",
    port: 0,
    identity: await makeIdentity(ours),
    requireCertificate: true,
  });
  const base = {
    host: "127.0.0.1",
    port: listener.port,
    servername: "localhost",
    ca: ours.certificate,
  };
  assert.equal(await connack(base), null);
  assert.notEqual(await connack({ ...base, ...await issue(ours, "dev-7") }), null);
  assert.equal(requests.length, 1);
});

Deno.test("a taken port is an error of the caller", async () => {
  await using broker = await startBroker([]);
  await using listener = await listenTcp(broker, { hostname: "127.0.0.1", port: 0 });
  await assert.rejects(
    listenTcp(broker, { hostname: "127.0.0.1", port: listener.port }),
    (error: NodeJS.ErrnoException) => error.code === "EADDRINUSE",
  );
});
