/** The licences of everything inside the executable, as one text. */
import { WORKERS } from "@/tools/compile_program.ts";
import { REPOSITORY } from "@/tools/product.ts";

const RULE = "=".repeat(96);

/** Names that packages give to the file of their licence. */
const LICENCE_FILE = /^(licen[cs]e|copying)([.-].*)?$/i;

interface PackageInfo {
  name: string;
  version: string;
  dependencies: string[];
  localPath: string;
}

interface ModuleGraph {
  modules: { kind?: string; npmPackage?: string }[];
  npmPackages: Record<string, PackageInfo>;
}

/** What goes into a release: the program, its Workers, what starts a page's islands. */
const ENTRIES = ["main.ts", ...WORKERS, "web/client.ts"];

/** Ours, the runtime's, and those of every npm package that the program reaches. */
export async function collectLicences(): Promise<string> {
  const packages = new Map<string, PackageInfo>();
  for (const entry of ENTRIES) {
    for (const info of reachedPackages(await moduleGraph(entry))) {
      packages.set(`${info.name} ${info.version}`, info);
    }
  }
  const parts = [
    `Sluice\n\n${await Deno.readTextFile(`${REPOSITORY}LICENSE`)}`,
    await Deno.readTextFile(`${REPOSITORY}deploy/licences/runtime.txt`),
  ];
  for (const [title, info] of [...packages].sort(([a], [b]) => a < b ? -1 : 1)) {
    parts.push(`${title}\n\n${await licenceOf(info)}`);
  }
  return parts.map((part) => part.trimEnd() + "\n").join(`\n${RULE}\n`);
}

async function moduleGraph(entry: string): Promise<ModuleGraph> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `${REPOSITORY}${entry}`],
    cwd: REPOSITORY,
  }).output();
  if (success) return JSON.parse(new TextDecoder().decode(stdout));
  throw new Error(`Cannot list the modules of ${entry}: ${new TextDecoder().decode(stderr)}`);
}

function reachedPackages({ modules, npmPackages }: ModuleGraph): PackageInfo[] {
  const reached = new Set<string>();
  const waiting = modules.flatMap(({ npmPackage }) => npmPackage === undefined ? [] : [npmPackage]);
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    waiting.push(...npmPackages[id]!.dependencies);
  }
  return [...reached].map((id) => npmPackages[id]!);
}

/** The package's own text; where it ships none, what it declares. */
async function licenceOf({ name, localPath }: PackageInfo): Promise<string> {
  const names = await Array.fromAsync(Deno.readDir(localPath), (entry) => entry.name);
  const file = names.sort().find((entry) => LICENCE_FILE.test(entry));
  if (file !== undefined) return await Deno.readTextFile(`${localPath}/${file}`);
  const { license, author } = JSON.parse(await Deno.readTextFile(`${localPath}/package.json`));
  if (typeof license !== "string") throw new Error(`Package ${name} declares no licence`);
  const by = typeof author === "string" ? author : author?.name;
  return `Licence: ${license}${by === undefined ? "" : `\nAuthor: ${by}`}`;
}
