/** The release as `deno task compile` makes it, in a folder of a test. */
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { compileExecutable } from "@/tools/compile_executable.ts";
import { collectLicences } from "@/tools/compile_licences.ts";
import { packageTarget } from "@/tools/compile_package.ts";
import { bundleProgram } from "@/tools/compile_program.ts";
import { run } from "@/tests/helpers/server_process.ts";
import type { Target } from "@/tools/executable/target.ts";

const TIME_MS = Date.UTC(2026, 0, 1);

export class ReleaseBuild implements AsyncDisposable {
  readonly folder: TempDir;

  private constructor(folder: TempDir) {
    this.folder = folder;
  }

  /** `commit` is what `sluice version` shows. */
  static async create(targets: Target[], commit = "0123456789ab"): Promise<ReleaseBuild> {
    const build = new ReleaseBuild(await TempDir.create("sluice-release-"));
    await bundleProgram(build.bundle, { commit, timeMs: TIME_MS });
    for (const target of targets) {
      await compileExecutable(target, { bundle: build.bundle, outfile: build.executable(target) });
    }
    return build;
  }

  get bundle(): string {
    return this.folder.join("sluice.js");
  }

  executable(target: Target): string {
    return this.folder.join(`sluice-${target}`);
  }

  /** Packs the archive and unpacks it into a folder; returns the folder with install.sh. */
  async unpackedArchive(target: Target, into: string): Promise<string> {
    await Deno.writeTextFile(this.folder.join("licences.txt"), await collectLicences());
    const archive = await packageTarget({
      ...{ target, out: this.folder.path, compressed: false, timeSeconds: TIME_MS / 1000 },
    });
    await Deno.mkdir(into, { recursive: true });
    await run("tar", { args: ["--extract", `--file=${archive}`, `--directory=${into}`] });
    const [entry] = await Array.fromAsync(Deno.readDir(into));
    return `${into}/${entry!.name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.folder[Symbol.asyncDispose]();
  }
}
