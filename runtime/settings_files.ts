/** Files that settings name: read before a save, because a reload would stumble over them. */
import { assertKeyPair } from "@/auth/certificate_info.ts";
import { nodeAt, originOf } from "@/config/layers.ts";
import type { LoadedConfig } from "@/config/load.ts";
import type { Problem } from "@/config/problems.ts";
import type { Config } from "@/config/schema.ts";

/** Throws what the file system says. */
export type ReadText = (path: string) => string;

const FILE_HINT = "name a PEM file that the gateway's user may read";

/** What cannot be used although its name is well written. */
export function unusableFiles(loaded: LoadedConfig, read: ReadText): Problem[] {
  const { config } = loaded;
  const authorities = (["destination", "source"] as const).flatMap((section) =>
    config[section].flatMap((entry) => {
      const file = "tls_ca" in entry ? entry.tls_ca : null;
      return unreadable([section, entry.name, "tls_ca"], { file, loaded, read });
    })
  );
  return [...authorities, ...certificateProblems(loaded, read)];
}

/** The page's own files only: the admin's are watched, and taken up when they are mended. */
function certificateProblems(loaded: LoadedConfig, read: ReadText): Problem[] {
  const { tls } = loaded.config;
  const problems = (["certificate", "key", "client_authority"] as const).flatMap((key) =>
    unreadable(["tls", key], { file: tls[key], loaded, read })
  );
  if (problems.length === 0) problems.push(...foreignKey(tls, { loaded, read }));
  return problems.filter(({ origin }) => origin.kind === "settings");
}

function foreignKey(
  { certificate, key }: Config["tls"],
  { loaded, read }: { loaded: LoadedConfig; read: ReadText },
): Problem[] {
  if (certificate === null || key === null) return [];
  const why = failureOf(() => assertKeyPair({ certificate: read(certificate), key: read(key) }));
  return why === null ? [] : [{
    path: "tls.key",
    shown: JSON.stringify(key),
    message: `cannot be used: ${why}`,
    hint: "name the certificate and the key that were issued together",
    origin: originOf(nodeAt(loaded.tree, ["tls", "key"])),
  }];
}

function unreadable(
  path: string[],
  { file, loaded, read }: { file: string | null; loaded: LoadedConfig; read: ReadText },
): Problem[] {
  const why = file === null ? null : failureOf(() => read(file));
  return why === null ? [] : [{
    path: path.join("."),
    shown: JSON.stringify(file),
    message: `cannot be read: ${why}`,
    hint: FILE_HINT,
    origin: originOf(nodeAt(loaded.tree, path)),
  }];
}

function failureOf(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
