/** A folder of its own that is removed with everything in it. */
export class TempDir implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(prefix = "sluice-test-"): Promise<TempDir> {
    return new TempDir(await Deno.makeTempDir({ prefix }));
  }

  join(...parts: string[]): string {
    return [this.path, ...parts].join("/");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
