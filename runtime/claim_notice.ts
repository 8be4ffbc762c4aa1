/** Tells in the log how the first admin is made, while there is none. */
import type { Auth } from "@/auth/auth.ts";
import { claimLinks } from "@/auth/claim.ts";
import { ownHosts } from "@/auth/own_hosts.ts";
import { logger } from "@/observe/log.ts";

/** A machine has many addresses; the first ones are the most useful. */
const LINKS_MAX = 4;

export async function announceClaim(
  auth: Auth,
  { publicUrl, http }: { publicUrl: string | null; http: { host: string; port: number } | null },
): Promise<void> {
  const token = auth.claim.issue();
  if (token === null) return;
  const listening = http === null ? [] : [{ scheme: "http" as const, ...http }];
  const links = claimLinks(token, { publicUrl, listening, hosts: await ownHosts() });
  const log = logger("auth");
  for (const link of links.slice(0, LINKS_MAX)) {
    log.warn("Nobody administrates this gateway yet, open {link}", { link });
  }
  log.warn("Or run {command}; the link holds once, for 30 minutes", {
    command: "sluice user add NAME --role admin",
  });
}
