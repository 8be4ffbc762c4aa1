/**
 * Does what a Dockerfile says, without a container engine: the build stage in a folder of its own
 * with this machine's Deno, the last stage in a root directory of its own.
 */
import { run } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { Checkout } from "@/tests/release/checkout.ts";
import { type Instruction, readDockerfile } from "@/tests/release/deploy_files.ts";
import { TestSystem } from "@/tests/release/test_system.ts";

/** Folders of the build stage that its commands name by their absolute paths. */
const STAGE_FOLDERS = ["/src", "/out"];

export class ImageReplay implements AsyncDisposable {
  readonly #context: Checkout;
  readonly #stage: TempDir;
  /** The image's file system. */
  readonly system: TestSystem;

  private constructor(context: Checkout, stage: TempDir, system: TestSystem) {
    this.#context = context;
    this.#stage = stage;
    this.system = system;
  }

  /** Runs every instruction; `buildArgs` are those of `docker build`. */
  static async create(buildArgs: Record<string, string>): Promise<ImageReplay> {
    const image = new ImageReplay(
      await Checkout.create("context", { packages: false }),
      await TempDir.create("sluice-image-"),
      await TestSystem.create(),
    );
    const instructions = await readDockerfile();
    const last = Math.max(...instructions.map(({ stage }) => stage));
    for (const folder of STAGE_FOLDERS) await Deno.mkdir(image.#stage.path + folder);
    await image.#build(instructions.filter(({ stage }) => stage === 0), buildArgs);
    await image.#assemble(instructions.filter(({ stage }) => stage === last));
    return image;
  }

  async #build(instructions: Instruction[], buildArgs: Record<string, string>): Promise<void> {
    const variables: Record<string, string> = {};
    let cwd = this.#stage.path;
    for (const { name, text } of instructions) {
      if (name === "WORKDIR") cwd = this.#stage.path + text;
      if (name === "ARG") {
        const [variable = "", preset = ""] = text.split("=");
        variables[variable] = buildArgs[variable] ?? preset;
      }
      if (name === "COPY") await this.#copyFromContext(text, cwd);
      if (name === "RUN") {
        const script = STAGE_FOLDERS.reduce(
          (line, folder) => line.replaceAll(folder, this.#stage.path + folder),
          text,
        );
        await run("sh", { args: ["-euc", script], cwd, env: variables });
      }
    }
  }

  async #copyFromContext(text: string, cwd: string): Promise<void> {
    const words = text.split(/\s+/);
    const to = `${cwd}/${words.pop()}`;
    if (to.endsWith("/")) await Deno.mkdir(to, { recursive: true });
    const sources = words.map((word) => this.#context.root + (word === "." ? "./" : word));
    await run("cp", { args: ["-a", ...sources, to] });
  }

  async #assemble(instructions: Instruction[]): Promise<void> {
    for (const { name, text } of instructions) {
      if (name === "RUN") {
        const { code, text: output } = await this.system.run(["sh", "-euc", text]);
        if (code !== 0) throw new Error(`RUN ${text} failed: ${output}`);
      }
      if (name !== "COPY") continue;
      const words = text.split(/\s+/);
      const fromStage = words[0] === "--from=build";
      const [source = "", to = ""] = fromStage ? words.slice(1) : words;
      const target = this.system.path(to);
      await run("mkdir", { args: ["-p", target.slice(0, target.lastIndexOf("/"))] });
      const from = fromStage ? this.#stage.path : this.#context.root;
      await run("cp", { args: ["-a", `${from}${source}`, target] });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.system[Symbol.asyncDispose]();
    await this.#stage[Symbol.asyncDispose]();
    await this.#context[Symbol.asyncDispose]();
  }
}
