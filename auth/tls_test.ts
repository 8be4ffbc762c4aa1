/** Certificates and TLS by real handshakes: who gets in, who does not, and what a reload changes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
  connect,
  type ConnectionOptions,
  createServer,
  type Server,
  type TLSSocket,
} from "node:tls";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import { AuthBed } from "@/auth/auth_test_bed.ts";
import { CertificateAuthority, type CertificatePair } from "@/auth/certificate_authority.ts";
import { assertKeyPair, certificateInfo, coversHost } from "@/auth/certificate_info.ts";
import { peerCertificate } from "@/auth/peer_certificate.ts";
import { expiredPair } from "@/auth/tls_test_certificates.ts";
import { TlsFiles } from "@/auth/tls_material.ts";
import { ConfigError } from "@/model/errors.ts";

const by = LOCAL_ACTOR;
const realNow = () => Date.now();

/** A gateway's TLS side: own authority, own server certificate, and a listener that says who came. */
class TlsBed implements AsyncDisposable {
  readonly bed: AuthBed;
  readonly files: TlsFiles;
  readonly server: Server;
  readonly #sockets = new Set<TLSSocket>();

  private constructor(parts: { bed: AuthBed; files: TlsFiles; server: Server }) {
    this.bed = parts.bed;
    this.files = parts.files;
    this.server = parts.server;
  }

  static async start(): Promise<TlsBed> {
    const bed = await AuthBed.create({ now: realNow });
    const { certificates } = bed.auth;
    await certificates.createAuthority();
    await certificates.issueServer({ names: ["localhost", "127.0.0.1"] });
    const files = await TlsFiles.open({
      ...certificates.serverPaths,
      clientAuthority: certificates.authorityPaths.certificate,
    });
    const server = createServer(files.material);
    const tls = new TlsBed({ bed, files, server });
    server.on("secureConnection", (socket) => void tls.#welcome(socket));
    server.on("tlsClientError", (_, socket) => socket.destroy());
    files.serve(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return tls;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** What the gateway says to a client with these options: `ok <device>`, why not, or `failed`. */
  async ask(options: ConnectionOptions = {}): Promise<string> {
    const { bed, port } = this;
    const ca = await Deno.readTextFile(bed.auth.certificates.authorityPaths.certificate);
    const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca, ...options });
    let text = "";
    socket.on("data", (bytes) => text += bytes);
    // A failed handshake gives an error and no end.
    const ended = await Promise.race([
      new Promise<string>((resolve) => socket.once("error", () => resolve("failed"))),
      new Promise<string>((resolve) => socket.once("close", () => resolve(text))),
    ]);
    socket.destroy();
    return ended;
  }

  async issue(id: string, options: { days?: number } = {}): Promise<CertificatePair> {
    return await (await this.bed.auth.certificates.authority()).issueDevice(id, options);
  }

  async #welcome(socket: TLSSocket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    const peer = peerCertificate(socket);
    socket.end(peer.kind === "proven" ? await this.#judge(peer.certificate) : peer.kind);
  }

  async #judge(certificate: Parameters<AuthBed["auth"]["doors"]["connect"]>[0]["certificate"]) {
    const verdict = await this.bed.auth.doors.connect({
      remoteAddress: "127.0.0.1",
      forwarded: false,
      username: null,
      password: null,
      certificate,
    });
    return "refused" in verdict ? verdict.refused : `ok ${verdict.deviceId}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.server, "close");
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
    await closed;
    await this.files[Symbol.asyncDispose]();
    await this.bed[Symbol.asyncDispose]();
  }
}

/** Registers the device and binds the certificate, as `cert device` does. */
async function bind(tls: TlsBed, id: string, pair: CertificatePair): Promise<string> {
  const { devices } = tls.bed.auth;
  if (devices.find(id) === null) await devices.add(id, { by, withoutSecret: true });
  const info = certificateInfo(pair.certificate);
  await devices.addCertificate(id, { certificate: info, origin: "issued", by });
  return info.fingerprint;
}

function client({ certificate, key }: CertificatePair): ConnectionOptions {
  return { cert: certificate, key };
}

/**
 * What the server answers to a client that speaks at most version 3.x (1: TLS 1.0, 2: TLS 1.1,
 * 3: TLS 1.2), written by hand because no client library here can speak the old ones any more.
 */
async function answerToHello(port: number, version: number): Promise<string> {
  const suites = [0xc0, 0x2b, 0xc0, 0x09, 0x00, 0x2f];
  const algorithms = [0, 13, 0, 4, 0, 2, 4, 3];
  const groups = [0, 10, 0, 4, 0, 2, 0, 23];
  const formats = [0, 11, 0, 2, 1, 0];
  const extensions = [...algorithms, ...groups, ...formats];
  const body = [3, version, ...Array(32).fill(7), 0, 0, suites.length, ...suites, 1, 0];
  body.push(0, extensions.length, ...extensions);
  const hello = [1, 0, 0, body.length, ...body];
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new Uint8Array([22, 3, 1, 0, hello.length, ...hello]));
  const answer = new Uint8Array(64);
  const length = await connection.read(answer);
  if (length === null) return "closed";
  return answer[0] === 21 ? `alert ${answer[6]}` : `record ${answer[0]}`;
}

Deno.test("handshakes: no certificate, ours, foreign, expired, revoked, mismatched, a server's", async () => {
  await using tls = await TlsBed.start();
  const own = await tls.issue("press-4");
  const fingerprint = await bind(tls, "press-4", own);
  assert.equal(await tls.ask(), "none");
  assert.equal(await tls.ask(client(own)), "ok press-4");

  const unbound = await tls.issue("press-4");
  assert.equal(await tls.ask(client(unbound)), "bad_certificate");
  const stranger = await tls.issue("press-9");
  assert.equal(await tls.ask(client(stranger)), "unknown");

  const { authority: foreign } = await CertificateAuthority.create({
    name: "Sluice CA",
    now: realNow,
  });
  const forged = await foreign.issueDevice("press-4");
  await bind(tls, "press-4", forged);
  assert.equal(await tls.ask(client(forged)), "refused");

  const paths = tls.bed.auth.certificates.authorityPaths;
  const authorityPair = {
    certificate: await Deno.readTextFile(paths.certificate),
    key: await Deno.readTextFile(paths.key),
  };
  const expired = await expiredPair(authorityPair, "press-4");
  await bind(tls, "press-4", expired);
  assert.equal(await tls.ask(client(expired)), "refused");

  await tls.bed.auth.devices.add("press-5", { by });
  const mismatch = await tls.issue("press-5");
  const info = certificateInfo(mismatch.certificate);
  const change = { certificate: info, origin: "given" as const, by };
  await tls.bed.auth.devices.addCertificate("press-4", change);
  assert.equal(await tls.ask(client(mismatch)), "bad_certificate");

  const serverPair = await (await tls.bed.auth.certificates.authority())
    .issueServer({ names: ["press-4"] });
  await bind(tls, "press-4", serverPair);
  assert.equal(await tls.ask(client(serverPair)), "refused");

  assert.equal(await tls.ask(client(own)), "ok press-4");
  await tls.bed.auth.devices.removeCertificate("press-4", { fingerprint, by });
  assert.equal(await tls.ask(client(own)), "bad_certificate");
});

Deno.test("handshakes: TLS 1.2 and 1.3, nothing older; clients check our name", async () => {
  await using tls = await TlsBed.start();
  assert.equal(await tls.ask({ minVersion: "TLSv1.3" }), "none");
  assert.equal(await tls.ask({ maxVersion: "TLSv1.2" }), "none");
  assert.equal(await answerToHello(tls.port, 3), "record 22");
  for (const version of [1, 2]) {
    assert.equal(await answerToHello(tls.port, version), "alert 70", `version 3.${version}`);
  }
  assert.equal(await tls.ask({ servername: "elsewhere.example" }), "failed");
});

Deno.test("reload: new files serve new connections, with client certificates still checked", async () => {
  await using tls = await TlsBed.start();
  const own = await tls.issue("press-4");
  await bind(tls, "press-4", own);
  const before = tls.files.info.fingerprint;
  assert.equal(await tls.files.look(), false, "nothing changed");
  await tls.bed.auth.certificates.issueServer({ names: ["localhost", "127.0.0.1", "new.local"] });
  assert.equal(await tls.files.look(), true);
  assert.notEqual(tls.files.info.fingerprint, before);
  assert.deepEqual(tls.files.info.names, ["localhost", "127.0.0.1", "new.local"]);
  assert.equal(await tls.ask({ servername: "new.local" }), "none");
  assert.equal(await tls.ask(client(own)), "ok press-4");
  await tls.bed.auth.certificates.createAuthority({ replace: true });
  await tls.bed.auth.certificates.issueServer({ names: ["localhost", "127.0.0.1"] });
  assert.equal(await tls.files.look(), true);
  assert.equal(await tls.ask(client(own)), "refused", "of the authority that was replaced");
  assert.equal(await tls.ask(), "none");
});

Deno.test("reload: files that cannot be used are named once, and the old ones stay", async () => {
  await using tls = await TlsBed.start();
  const { serverPaths } = tls.bed.auth.certificates;
  const good = await Deno.readTextFile(serverPaths.key);
  const other = await tls.issue("press-4");
  const bad: [string, RegExp][] = [
    [other.key, /does not belong to the certificate/],
    ["no key", /Cannot read the TLS key/],
    ["", /Cannot read the TLS key/],
  ];
  for (const [key, problem] of bad) {
    await Deno.writeTextFile(serverPaths.key, key);
    assert.equal(await tls.files.look(), false);
    assert.match(tls.files.problem ?? "", problem);
    assert.equal(await tls.ask(), "none");
  }
  await Deno.remove(serverPaths.key);
  assert.equal(await tls.files.look(), false);
  await Deno.writeTextFile(serverPaths.key, good);
  assert.equal(await tls.files.look(), true);
  assert.equal(tls.files.problem, null);
  assert.equal(await tls.files.look({ force: true }), true);
});

Deno.test("files that cannot be used stop the start, each with what to do", async () => {
  await using bed = await AuthBed.create({ now: realNow });
  const { certificates } = bed.auth;
  await assert.rejects(certificates.authority(), (error) => {
    assert(error instanceof ConfigError);
    return /sluice cert ca/.test(error.hint);
  });
  const paths = { ...certificates.serverPaths, clientAuthority: null };
  await assert.rejects(TlsFiles.open(paths), (error) => {
    assert(error instanceof ConfigError);
    return error.code === "TLS-0103" && error.message.includes("server.pem");
  });
});

Deno.test("own authority: what its certificates say, and modes of its files", async () => {
  await using bed = await AuthBed.create({ now: realNow });
  const { certificates } = bed.auth;
  const authority = await certificates.createAuthority({ name: 'Sluice, Halle 3 + "Süd"' });
  assert.equal(authority.isAuthority, true);
  await assert.rejects(certificates.createAuthority(), /already/);
  const server = await certificates.issueServer({
    names: ["Gate.Local", "192.168.1.20", "fd00::2", "gate.local"],
  });
  assert.deepEqual(server.names, ["gate.local", "192.168.1.20", "fd00::2"]);
  assert.equal(server.isAuthority, false);
  for (const host of ["gate.local", "GATE.local", "192.168.1.20", "fd00::2"]) {
    assert.equal(coversHost(server, host), true, host);
  }
  assert.equal(coversHost(server, "other.local"), false);
  const days = (server.notAfterMs - Date.now()) / (24 * 3600 * 1000);
  assert.ok(days > 396 && days <= 397, String(days));
  const modes = [...Deno.readDirSync(bed.join("tls"))].map(({ name }) => [
    name,
    ((Deno.statSync(bed.join("tls", name)).mode ?? 0) & 0o777).toString(8),
  ]);
  assert.deepEqual(Object.fromEntries(modes), {
    "ca.key": "600",
    "ca.pem": "644",
    "server.key": "600",
    "server.pem": "644",
  });
  for (const names of [[], ["a b"], ["*.*"], ["http://x"], ["x\ny"], Array(51).fill("x.y")]) {
    const unique = names.map((name, i) => names.length > 50 ? `n${i}.y` : name);
    await assert.rejects(certificates.issueServer({ names: unique }), /name/);
  }
});

Deno.test("the own server certificate is renewed for the same names when a third is left", async () => {
  let nowMs = Date.now();
  await using bed = await AuthBed.create({ now: () => nowMs });
  const { certificates } = bed.auth;
  assert.equal(await certificates.renewServer(), null, "nothing there");
  await certificates.createAuthority();
  const first = await certificates.issueServer({ names: ["gate.local", "192.168.1.20"] });
  nowMs += 264 * 24 * 3600 * 1000;
  assert.equal(await certificates.renewServer(), null);
  nowMs += 24 * 3600 * 1000;
  const second = await certificates.renewServer();
  assert.deepEqual(second?.names, first.names);
  assert.ok((second?.notAfterMs ?? 0) > first.notAfterMs);
  assert.equal(await certificates.renewServer(), null);
});

Deno.test("no certificate is issued while the clock is wrong, none outlives its authority", async () => {
  const wrong = { name: "CA", now: () => 1000 };
  await assert.rejects(CertificateAuthority.create(wrong), (error) => {
    return error instanceof ConfigError && error.code === "TLS-0110";
  });
  const { authority, pair } = await CertificateAuthority.create({
    name: "CA",
    now: realNow,
    days: 10,
  });
  const device = certificateInfo((await authority.issueDevice("press-4")).certificate);
  assert.equal(device.notAfterMs, certificateInfo(pair.certificate).notAfterMs);
  for (const id of ["gateway", "a/b", "", "x".repeat(65)]) {
    await assert.rejects(authority.issueDevice(id), /device id/);
  }
  for (const days of [0, -1, 1.5, 5000, NaN]) {
    await assert.rejects(authority.issueDevice("press-4", { days }), /days/);
  }
  const leaf = await authority.issueDevice("press-4");
  await assert.rejects(CertificateAuthority.load(leaf, realNow), /not an authority/);
  assert.throws(() => assertKeyPair({ certificate: leaf.certificate, key: pair.key }), /belong/);
});
