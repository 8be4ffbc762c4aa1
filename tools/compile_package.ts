/**
 * `deno task package [--target …]… [--out DIR] [--fast]`: what an administrator downloads. Builds the
 * release first, then per target `sluice-VERSION-TARGET.tar.xz` with program, installer, units,
 * documentation and licences, and `SHA256SUMS` of all archives. `--fast` leaves the archives
 * uncompressed (`.tar`), for tests.
 *
 * The same commit gives the same bytes: order, times, owners and modes are fixed, xz runs on one
 * thread.
 */
import { compile, parseCompileArgs } from "@/tools/compile.ts";
import { readBuildFacts } from "@/tools/compile_program.ts";
import type { Target } from "@/tools/executable/target.ts";
import { VERSION } from "@/model/build.ts";
import { REPOSITORY } from "@/tools/product.ts";

/** Beside the program, from deploy/. */
const DEPLOY_FILES: [name: string, mode: number][] = [
  ["install.sh", 0o755],
  ["sluice.service", 0o644],
  ["sluice-feed@.service", 0o644],
  ["sluice.toml", 0o644],
  ["sluice.env", 0o644],
];

export interface PackageOptions {
  target: Target;
  /** Folder with `sluice-TARGET` and `licences.txt`; the archive goes there too. */
  out: string;
  compressed: boolean;
  /** Seconds since 1970, for every file inside. */
  timeSeconds: number;
}

/** Writes the archive and returns its path. */
export async function packageTarget(options: PackageOptions): Promise<string> {
  const { target, out, compressed } = options;
  const name = `sluice-${VERSION}-${target}`;
  const work = await Deno.makeTempDir({ prefix: "sluice-package-" });
  try {
    await fill(`${work}/${name}`, options);
    const archive = `${out}/${name}.tar${compressed ? ".xz" : ""}`;
    await run("tar", [
      ...["--create", `--file=${archive}`, `--directory=${work}`, "--sort=name", "--format=gnu"],
      ...["--owner=0", "--group=0", "--numeric-owner", `--mtime=@${options.timeSeconds}`],
      ...compressed ? ["--use-compress-program=xz -9 --threads=1"] : [],
      name,
    ]);
    return archive;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function fill(folder: string, { target, out }: PackageOptions): Promise<void> {
  await Deno.mkdir(`${folder}/doc`, { recursive: true });
  await place(`${out}/sluice-${target}`, `${folder}/sluice`, 0o755);
  for (const [name, mode] of DEPLOY_FILES) {
    await place(`${REPOSITORY}deploy/${name}`, `${folder}/${name}`, mode);
  }
  await Deno.writeTextFile(`${folder}/TARGET`, `${target}\n`, { mode: 0o644 });
  await place(`${out}/licences.txt`, `${folder}/doc/licences.txt`, 0o644);
  await copyDocs(`${REPOSITORY}docs`, `${folder}/doc`);
  await Deno.writeTextFile(`${folder}/SHA256SUMS`, await sums(folder), { mode: 0o644 });
}

/** Markdown only; folders keep their names. */
async function copyDocs(from: string, to: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) {
      await Deno.mkdir(`${to}/${name}`, { recursive: true });
      await copyDocs(`${from}/${name}`, `${to}/${name}`);
    } else if (name.endsWith(".md")) await place(`${from}/${name}`, `${to}/${name}`, 0o644);
  }
}

async function place(from: string, to: string, mode: number): Promise<void> {
  await Deno.copyFile(from, to);
  await Deno.chmod(to, mode);
}

async function sums(folder: string): Promise<string> {
  const names = (await filesIn(folder, "")).sort();
  return await run("sha256sum", ["--", ...names], folder);
}

async function filesIn(folder: string, below: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)) {
    if (isDirectory) names.push(...await filesIn(folder, `${below}${name}/`));
    else names.push(below + name);
  }
  return names;
}

async function run(command: string, args: string[], cwd?: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
}

if (import.meta.main) {
  const compressed = !Deno.args.includes("--fast");
  const options = parseCompileArgs(Deno.args.filter((argument) => argument !== "--fast"));
  await compile(options);
  const timeSeconds = (await readBuildFacts()).timeMs / 1000;
  const archives: string[] = [];
  for (const target of options.targets) {
    archives.push(await packageTarget({ target, out: options.out, compressed, timeSeconds }));
  }
  const names = archives.map((path) => path.slice(options.out.length + 1));
  await Deno.writeTextFile(`${options.out}/SHA256SUMS`, await run("sha256sum", names, options.out));
  console.log(archives.join("\n"));
}
