/**
 * Which test file runs with which rights. A file belongs to the first group that claims it; the last
 * one claims everything, so that no test file is left out in silence.
 */

export interface TestGroup {
  name: string;
  claims: (path: string) => boolean;
  permissions: string[];
  /** Files of the group may run at the same time: they share no port, folder or processor time. */
  parallel: boolean;
}

/** Where tests make their folders. */
const SCRATCH = Deno.env.get("TMPDIR") ?? "/tmp";

const LOOPBACK = "--allow-net=127.0.0.1,[::1],localhost,0.0.0.0";

const READ = "--allow-read";

export const TEST_GROUPS: TestGroup[] = [
  {
    name: "rules and formats",
    claims: inFolders("model", "config", "alerts", "components"),
    permissions: [READ, "--allow-env", "--allow-run=cat,sleep"],
    parallel: true,
  },
  {
    name: "parts",
    claims: inFolders("auth", "mqtt", "observe", "store", "ingest", "forward", "routes", "tools"),
    permissions: [
      READ,
      `--allow-write=${SCRATCH}`,
      LOOPBACK,
      "--allow-env",
      "--allow-run",
      "--allow-sys",
    ],
    parallel: true,
  },
  {
    // A unix socket in a folder of the test's own can only be allowed together with all of the net.
    name: "command line",
    claims: inFolders("cli"),
    permissions: [
      READ,
      `--allow-write=${SCRATCH}`,
      "--allow-net",
      "--allow-env",
      "--allow-run",
      "--allow-sys",
    ],
    parallel: true,
  },
  {
    // Builds lie inside the repository, where its import map holds; a browser wants its time alone.
    name: "pages",
    claims: inFolders("web", "islands"),
    permissions: [
      READ,
      `--allow-write=${SCRATCH},web/_gen,_gen`,
      LOOPBACK,
      "--allow-env",
      "--allow-run",
      "--allow-sys",
    ],
    parallel: false,
  },
  {
    // Real servers under other users, browsers, emulators and the product itself as processes: the
    // programs differ from system to system, so the rights to run are not a list of names; their unix
    // sockets need the whole net.
    name: "the whole",
    claims: () => true,
    permissions: [
      READ,
      "--allow-write",
      "--allow-net",
      "--allow-env",
      "--allow-run",
      "--allow-sys",
    ],
    parallel: false,
  },
];

function inFolders(...folders: string[]): (path: string) => boolean {
  return (path) => folders.includes(path.split("/")[0]!);
}

/** Divides test files among the groups; groups without files are left out. */
export function divide(paths: readonly string[]): { group: TestGroup; paths: string[] }[] {
  const parts = TEST_GROUPS.map((group) => ({ group, paths: [] as string[] }));
  for (const path of paths) parts.find(({ group }) => group.claims(path))!.paths.push(path);
  return parts.filter((part) => part.paths.length > 0);
}
