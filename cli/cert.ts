/** Certificates of the gateway's own authority: its server, its devices. */
import { join, resolve } from "node:path";
import type { CertificateView, DeviceCertificateFiles } from "@/cli/access_operations.ts";
import { type Command, type CommandInput, integerOption } from "@/cli/command.ts";
import { withAccess } from "@/cli/gateway_access.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { printable } from "@/cli/text_table.ts";
import { ConfigError } from "@/model/errors.ts";

const DAYS = { name: "days", value: "N", text: "how long it is valid" };
const DAYS_LIMITS = { min: 1, max: 3650 };

export const certCa: Command = {
  path: ["cert", "ca"],
  summary: "Make the gateway's own certificate authority",
  options: [
    { name: "name", value: "TEXT", text: 'name of the authority (default "Sluice CA")' },
    { name: "replace", text: "replace an existing one; all its certificates are void then" },
  ],
  arguments: [],
  async run(input, surroundings) {
    const options = { name: input.values.get("name"), replace: input.switches.has("replace") };
    const info = await withAccess(
      { input, surroundings },
      (access) => access.certAuthority(options),
    );
    const file = join(resolve(input.dataDir), "tls", "ca.pem");
    await surroundings.print(
      `${infoText("authority", info)}Clients that are to trust the gateway need ${file}\n`,
    );
    return 0;
  },
};

export const certServer: Command = {
  path: ["cert", "server"],
  summary: "Issue the gateway's server certificate; a running gateway takes it up",
  options: [DAYS],
  arguments: [{
    name: "NAME",
    required: false,
    repeated: true,
    text: "host names and addresses that clients use (default: those of this machine)",
  }],
  async run(input, surroundings) {
    const options = { names: input.arguments, days: daysOf(input) };
    const info = await withAccess({ input, surroundings }, (access) => access.certServer(options));
    await surroundings.print(infoText("server certificate", info));
    return 0;
  },
};

export const certDevice: Command = {
  path: ["cert", "device"],
  summary: "Issue a client certificate for a device and bind it to the device",
  text: "Writes ID.pem, ID.key and ca.pem. A device that is not registered yet is registered.",
  options: [
    DAYS,
    { name: "output", value: "DIR", text: "where the files go (default: here)" },
    {
      name: "bind",
      value: "FILE",
      text: "issue none: bind this one (PEM), of tls.client_authority",
    },
  ],
  arguments: [{ name: "ID", required: true, text: "the device id" }],
  run: runDevice,
};

export const certRevoke: Command = {
  path: ["cert", "revoke"],
  summary: "Revoke a device's client certificate; connections that it opened are cut",
  options: [],
  arguments: [
    { name: "ID", required: true, text: "the device id" },
    {
      name: "FINGERPRINT",
      required: true,
      text: "its SHA-256, as cert device and device list say",
    },
  ],
  async run(input, surroundings) {
    const [id = "", sent = ""] = input.arguments;
    const fingerprint = sent.replaceAll(":", "").toLowerCase();
    await withAccess({ input, surroundings }, (access) => access.certRevoke(id, fingerprint));
    await surroundings.print(`revoked a certificate of ${printable(id, 64)}\n`);
    return 0;
  },
};

async function runDevice(input: CommandInput, surroundings: Surroundings): Promise<number> {
  const id = input.arguments[0]!;
  const given = input.values.get("bind");
  if (given !== undefined) return await runBind({ id, file: given }, { input, surroundings });
  const folder = input.values.get("output") ?? ".";
  // Before anything is issued: a certificate whose key could not be written is bound for nothing.
  for (const name of [`${id}.pem`, `${id}.key`]) await assertFree(join(folder, name));
  const files = await withAccess(
    { input, surroundings },
    (access) => access.certDevice(id, { days: daysOf(input) }),
  );
  const written = await writeFiles(id, { folder, files });
  await surroundings.print(
    `${infoText("client certificate", files.info)}written: ${written.join(", ")}\n`,
  );
  return 0;
}

async function runBind(
  { id, file }: { id: string; file: string },
  { input, surroundings }: { input: CommandInput; surroundings: Surroundings },
): Promise<number> {
  const pem = await Deno.readTextFile(file).catch((cause) => {
    throw new ConfigError(`Cannot read ${JSON.stringify(file)}: ${cause.message}`, {
      code: "CLI-0121",
      hint: "name a PEM file with the device's certificate",
      cause,
    });
  });
  const info = await withAccess({ input, surroundings }, (access) => access.certBind(id, pem));
  await surroundings.print(infoText("bound the client certificate", info));
  return 0;
}

async function writeFiles(
  id: string,
  { folder, files }: { folder: string; files: DeviceCertificateFiles },
): Promise<string[]> {
  const paths = [join(folder, `${id}.key`), join(folder, `${id}.pem`), join(folder, "ca.pem")];
  const [key, certificate, authority] = paths as [string, string, string];
  await Deno.writeTextFile(key, files.key, { createNew: true, mode: 0o600 });
  await Deno.writeTextFile(certificate, files.certificate, { createNew: true });
  await Deno.writeTextFile(authority, files.authority);
  return paths;
}

async function assertFree(path: string): Promise<void> {
  const found = await Deno.lstat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  if (found === null) return;
  throw new ConfigError(`Cannot write ${JSON.stringify(path)}: it exists`, {
    code: "CLI-0120",
    hint: "move it away or give another folder with --output",
  });
}

function daysOf(input: CommandInput): number | undefined {
  return integerOption(input, "days", DAYS_LIMITS) ?? undefined;
}

function infoText(what: string, info: CertificateView): string {
  const names = info.names.length === 0 ? info.commonName : info.names.join(", ");
  return `${what} for ${printable(names, 1000)}\n` +
    `valid until ${new Date(info.notAfterMs).toISOString()}\n` +
    `sha-256 ${info.fingerprint}\n`;
}
