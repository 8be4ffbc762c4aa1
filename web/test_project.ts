/** Small projects on disk for the tests of this folder. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Git, the formatter and the linter skip `_gen`; it lies inside, so that deno.json applies. */
const PARENT = fileURLToPath(new URL("./_gen/", import.meta.url));

export class TestProject implements AsyncDisposable {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async create(files: Record<string, string | Uint8Array>): Promise<TestProject> {
    await Deno.mkdir(PARENT, { recursive: true });
    const project = new TestProject(await Deno.makeTempDir({ dir: PARENT, prefix: "project-" }));
    for (const [path, content] of Object.entries(files)) await project.write(path, content);
    return project;
  }

  async write(path: string, content: string | Uint8Array): Promise<void> {
    const target = join(this.root, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(target, content);
    else await Deno.writeFile(target, content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

/** Serves a handler on a free port of the loopback interface. */
export function serve(handler: Deno.ServeHandler): { url: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  const { port } = server.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
