/** Tells in the log how the first admin is made, while there is none. */
import type { Auth } from "@/auth/auth.ts";
import { coversHost } from "@/auth/certificate_info.ts";
import type { CertificateInfo } from "@/auth/certificate_info.ts";
import { claimLinks, type Listening } from "@/auth/claim.ts";
import { ownHosts } from "@/auth/own_hosts.ts";
import { isLoopback } from "@/auth/remote_address.ts";
import { logger } from "@/observe/log.ts";

/** A machine has many addresses; the first ones are the most useful. */
const LINKS_MAX = 4;

export interface ClaimReach {
  publicUrl: string | null;
  /** Bound addresses by protocol. */
  addresses: Record<string, string>;
  /** Of HTTPS; null without it. */
  certificate: CertificateInfo | null;
}

export async function announceClaim(auth: Auth, reach: ClaimReach): Promise<void> {
  const token = auth.claim.issue();
  if (token === null) return;
  const hosts = await ownHosts();
  const { publicUrl } = reach;
  const links = claimLinks(token, { publicUrl, hosts, listening: listeningOf(reach, hosts) });
  const log = logger("auth");
  for (const link of links.slice(0, LINKS_MAX)) {
    log.warn("Nobody administrates this gateway yet, open {link}", { link });
  }
  log.warn("Or run {command}; the link holds once, for 30 minutes", {
    command: "sluice user add NAME --role admin",
  });
}

function listeningOf({ addresses, certificate }: ClaimReach, hosts: string[]): Listening[] {
  return (["https", "http"] as const).flatMap((scheme) => {
    const at = addresses[scheme];
    if (at === undefined) return [];
    const { hostname, port } = new URL(`http://${at}`);
    // A browser warns of an address that the certificate is not for.
    const names = scheme === "http" || certificate === null ? [] : namesFor(certificate, hosts);
    const host = hostname.replace(/^\[|\]$/g, "");
    return [{ scheme, host, port: port === "" ? 80 : Number(port), names }];
  });
}

function namesFor(certificate: CertificateInfo, hosts: string[]): string[] {
  const covered = hosts.filter((host) => coversHost(certificate, host));
  if (covered.length > 0) return covered;
  return certificate.names.filter((name) =>
    name !== "localhost" && !name.startsWith("*") && !isLoopback(name)
  );
}
