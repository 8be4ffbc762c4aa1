/** TLS of the program as an operator runs it: given files, files that change, a port that is taken. */
import assert from "node:assert/strict";
import { connect } from "node:tls";
import mqtt from "mqtt";
import { TLS_CONFIG } from "@/tests/api/tls_bed.ts";
import { TestAuthority } from "@/tests/helpers/certificates.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";

function portOf(address: string | undefined): number {
  return Number(address?.split(":").at(-1));
}

/** The fingerprint of what a server shows; null when nothing is shown. */
function shown(port: number): Promise<string | null> {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  return new Promise((resolve) => {
    socket.once("error", () => resolve(null));
    socket.once("secureConnect", () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
  });
}

/** Writes `server.pem` and `server.key`; returns nothing until both are whole. */
async function writePair(folder: TempDir, authority: TestAuthority): Promise<void> {
  const { certificate, key } = await authority.issue("localhost");
  await Deno.writeTextFile(folder.join("server.key"), key);
  await Deno.writeTextFile(folder.join("server.pem"), certificate);
}

async function logged(gateway: GatewayProcess, text: RegExp): Promise<void> {
  await until(() => text.test(gateway.stderr), { what: `${text} is in the log` });
}

Deno.test("given files: taken up when they change, on SIGHUP, and kept while new ones are wrong", async () => {
  await using folder = await TempDir.create("sluice-tls-");
  const authority = await TestAuthority.create();
  await writePair(folder, authority);
  const paths = `certificate = "${folder.join("server.pem")}"\nkey = "${
    folder.join("server.key")
  }"`;
  await using gateway = await GatewayProcess.start({ folder, config: `${TLS_CONFIG}${paths}\n` });
  assert.deepEqual(Object.keys(gateway.addresses), ["http", "mqtt", "https", "mqtts"]);
  const ports = [portOf(gateway.addresses.https), portOf(gateway.addresses.mqtts)];
  const ca = authority.certificate;
  const client = await mqtt.connectAsync(`mqtts://localhost:${ports[1]}`, {
    ...{ ca, reconnectPeriod: 0 },
  });
  let isClosed = false;
  client.once("close", () => isClosed = true);
  const first = await shown(ports[0]!);
  assert(first !== null);
  await writePair(folder, authority);
  for (const port of ports) {
    await until(async () => ![first, null].includes(await shown(port)), {
      what: "the new certificate is shown",
    });
  }
  const second = await shown(ports[0]!);
  await Deno.writeTextFile(folder.join("server.key"), (await authority.issue("other")).key);
  gateway.signal("SIGHUP");
  await logged(gateway, /New certificate files are not used/);
  assert.equal(await shown(ports[0]!), second);
  await writePair(folder, authority);
  gateway.signal("SIGHUP");
  await until(async () => ![second, null].includes(await shown(ports[1]!)), {
    what: "the third certificate is shown",
  });
  await client.publishAsync("devices/oven-1/telemetry", '{"t":1}', { qos: 1 });
  assert.equal(isClosed, false);
  await client.endAsync();
  assert.equal(await gateway.stop(), 0);
});

Deno.test("certificates made while the gateway runs turn TLS on; a claim link then has https", async () => {
  await using gateway = await GatewayProcess.start({ config: TLS_CONFIG });
  assert.deepEqual(Object.keys(gateway.addresses), ["http", "mqtt"]);
  await gateway.command(["cert", "ca"]);
  await gateway.command(["cert", "server", "localhost"]);
  await logged(gateway, /"https":"127\.0\.0\.1:\d+","mqtts":"127\.0\.0\.1:\d+"/);
  assert.equal(await gateway.stop(), 0);
  await using again = await GatewayProcess.start({ folder: gateway.folder, config: TLS_CONFIG });
  const { https } = again.addresses;
  const link = new RegExp(`https://${https}/claim\\?token=[\\w-]+`);
  await logged(again, link);
});

Deno.test("certificates of another authority: bound, taken, revoked by the command line", async () => {
  await using folder = await TempDir.create("sluice-tls-");
  const authority = await TestAuthority.create("Plant CA");
  await Deno.writeTextFile(folder.join("plant.pem"), authority.certificate);
  const config = `${TLS_CONFIG}client_authority = "${folder.join("plant.pem")}"\n`;
  await using gateway = await GatewayProcess.start({ folder, config });
  await gateway.command(["cert", "ca"]);
  await gateway.command(["cert", "server", "localhost"]);
  const { certificate, key } = await authority.issue("press-4", []);
  await Deno.writeTextFile(folder.join("press-4.pem"), certificate);
  const bind = ["--bind", folder.join("press-4.pem")];
  await assert.rejects(gateway.command(["cert", "device", "press-5", ...bind]), /for "press-4"/);
  const said = await gateway.command(["cert", "device", "press-4", ...bind]);
  const fingerprint = /sha-256 ([0-9a-f]{64})/.exec(said)?.[1] ?? "";
  await logged(gateway, /"mqtts":"127\.0\.0\.1:\d+"/);
  const port = Number(/"mqtts":"127\.0\.0\.1:(\d+)"/.exec(gateway.stderr)?.[1]);
  const ca = await Deno.readTextFile(folder.join("data/tls/ca.pem"));
  const options = { ca, cert: certificate, key, reconnectPeriod: 0, protocolVersion: 5 } as const;
  const client = await mqtt.connectAsync(`mqtts://localhost:${port}`, options);
  await client.publishAsync("devices/press-4/telemetry", '{"t":1}', { qos: 1 });
  const ended = new Promise<void>((resolve) => client.once("close", () => resolve()));
  await gateway.command(["cert", "revoke", "press-4", fingerprint]);
  await ended;
  await client.endAsync(true);
  await assert.rejects(mqtt.connectAsync(`mqtts://localhost:${port}`, options));
  await assert.rejects(gateway.command(["cert", "revoke", "press-4", fingerprint]));
});

Deno.test("a taken TLS port is named, the rest comes up, and it is bound once it is free", async () => {
  await using folder = await TempDir.create("sluice-tls-");
  await writePair(folder, await TestAuthority.create());
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const config = `[tls]\nhttps_listen = "127.0.0.1:${port}"\nmqtts_listen = "127.0.0.1:0"\n` +
    `certificate = "${folder.join("server.pem")}"\nkey = "${folder.join("server.key")}"\n`;
  await using gateway = await GatewayProcess.start({ folder, config });
  assert.deepEqual(Object.keys(gateway.addresses), ["http", "mqtt", "mqtts"]);
  await logged(gateway, /Cannot listen for HTTPS on 127\.0\.0\.1:\d+: another program/);
  await logged(gateway, /set another port \(tls\.https_listen\)/);
  assert.notEqual(await shown(portOf(gateway.addresses.mqtts)), null);
  taken.close();
  await until(async () => await shown(port) !== null, { what: "the port is bound" });
});

Deno.test("a certificate that cannot be read leaves the plain ports up and is named", async () => {
  await using folder = await TempDir.create("sluice-tls-");
  const config = `${TLS_CONFIG}certificate = "${folder.join("server.pem")}"\n` +
    `key = "${folder.join("server.key")}"\n`;
  await using gateway = await GatewayProcess.start({ folder, config });
  assert.deepEqual(Object.keys(gateway.addresses), ["http", "mqtt"]);
  await logged(gateway, /HTTPS and MQTT over TLS are off.*server\.pem/);
  await writePair(folder, await TestAuthority.create());
  await logged(gateway, /Encrypted ports are open/);
});
