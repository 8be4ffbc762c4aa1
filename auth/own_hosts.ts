/** The names and addresses under which other machines reach this one. */
import { isLoopback } from "@/auth/remote_address.ts";
import { readIfThere } from "@/auth/private_file.ts";

/**
 * Addresses of the network interfaces (IPv4 first, no loopback or link-local ones), then the host
 * name and its mDNS name. Needs `--allow-sys=networkInterfaces` and reading `/etc/hostname`; what
 * is not permitted is left out.
 */
export async function ownHosts(): Promise<string[]> {
  const name = (await hostName()).toLowerCase();
  const names = /^[a-z0-9][a-z0-9.-]*$/.test(name) && name !== "localhost" ? [name] : [];
  const local = names.filter((each) => !each.includes(".")).map((each) => `${each}.local`);
  return [...await interfaceAddresses(), ...local, ...names];
}

async function hostName(): Promise<string> {
  try {
    return (await readIfThere("/etc/hostname") ?? "").trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return "";
    throw error;
  }
}

async function interfaceAddresses(): Promise<string[]> {
  const permission = await Deno.permissions.query({ name: "sys", kind: "networkInterfaces" });
  if (permission.state !== "granted") return [];
  return Deno.networkInterfaces()
    .filter(({ address }) => !isLoopback(address) && !/^(fe80:|169\.254\.)/i.test(address))
    .sort((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => address);
}
