/** A copy of the sources as a fresh clone has them: nothing built, packages already fetched. */
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { REPOSITORY } from "@/tools/product.ts";

/** What a clone does not bring, wherever it lies. */
const NOT_CLONED = ["node_modules", "_gen", "dist", "data", "build", ".git"];

/** Folders of packages; without them a copy would fetch its own. */
const PACKAGES = ["node_modules", "tools/executable/runtime/node_modules"];

export class Checkout implements AsyncDisposable {
  readonly #parent: TempDir;
  /** Ends with a slash. */
  readonly root: string;

  private constructor(parent: TempDir, root: string) {
    this.#parent = parent;
    this.root = root;
  }

  /** `name` is that of its folder, inside of a temporary one. */
  static async create(
    name = "sluice",
    { packages = true }: { packages?: boolean } = {},
  ): Promise<Checkout> {
    const parent = await TempDir.create();
    const checkout = new Checkout(parent, `${parent.join(name)}/`);
    await copyFolder(REPOSITORY, checkout.root);
    for (const folder of packages ? PACKAGES : []) {
      const present = await Deno.stat(REPOSITORY + folder).then(() => true, () => false);
      if (present) await Deno.symlink(REPOSITORY + folder, checkout.root + folder);
    }
    return checkout;
  }

  /** Runs a task as a person would; its result, whatever the exit code. */
  async task(
    args: string[],
    { env }: { env?: Record<string, string> } = {},
  ): Promise<{ code: number; out: string; err: string }> {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", ...args],
      cwd: this.root,
      env,
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, out: out!, err: err! };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parent[Symbol.asyncDispose]();
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (NOT_CLONED.includes(name)) continue;
    if (isDirectory) await copyFolder(`${from}${name}/`, `${to}${name}/`);
    else if (isFile) await Deno.copyFile(from + name, to + name);
  }
}
