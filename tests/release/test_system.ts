/**
 * A system of its own for the installer: a root directory with its own /etc, /var, /run and
 * /usr/local over this machine's programs (read-only), in which `chroot` runs commands. Needs root.
 */
import { ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";

const PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n";
const GROUP = "root:x:0:\ndialout:x:20:\nplugdev:x:46:\nnogroup:x:65534:\n";

/** Mounts are seen by this process and its children only, and end with them. */
const ENTER = `
set -e
root="$1"; shift
mount --bind /usr "$root/usr"
mount -o remount,bind,ro "$root/usr"
mount --bind "$root/local" "$root/usr/local"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
`;

/** Writes down what it is asked to do; nothing else would be possible without systemd as process 1. */
const SYSTEMCTL = '#!/bin/sh\necho "$*" >>/run/systemctl.log\n';

export interface Outcome {
  code: number;
  /** Both streams. */
  text: string;
}

export class TestSystem implements AsyncDisposable {
  readonly root: TempDir;

  private constructor(root: TempDir) {
    this.root = root;
  }

  static async create(): Promise<TestSystem> {
    const system = new TestSystem(await TempDir.create("sluice-system-"));
    const { root } = system;
    const folders = ["etc/systemd/system", "var/lib", "run/systemd/system", "local/bin", "fakes"];
    for (const folder of [...folders, "usr", "proc", "dev", "tmp", "root"]) {
      await Deno.mkdir(root.join(folder), { recursive: true });
    }
    for (const name of ["bin", "sbin", "lib", "lib64"]) {
      await Deno.symlink(`usr/${name}`, root.join(name));
    }
    await Deno.chmod(root.path, 0o755);
    await Deno.chmod(root.join("tmp"), 0o1777);
    await system.write("etc/passwd", PASSWD);
    await system.write("etc/group", GROUP);
    await system.write("etc/shadow", "root:*:19000::::::\n");
    await system.write("etc/gshadow", "root:*::\ndialout:*::\n");
    await system.writeProgram("local/bin/systemctl", SYSTEMCTL);
    return system;
  }

  /** The host's path of a path in the system. */
  path(inside: string): string {
    const local = inside.replace(/^\/usr\/local\//, "/local/");
    return this.root.join(local.replace(/^\//, ""));
  }

  async write(path: string, text: string): Promise<void> {
    await Deno.writeTextFile(this.root.join(path), text);
  }

  /** A program that stands before the real one of its name, by a path of `fakes/NAME`. */
  async writeProgram(path: string, text: string): Promise<void> {
    await this.write(path, text);
    await Deno.chmod(this.root.join(path), 0o755);
  }

  read(path: string): Promise<string> {
    return Deno.readTextFile(this.path(path));
  }

  async exists(path: string): Promise<boolean> {
    return await Deno.lstat(this.path(path)).then(() => true, () => false);
  }

  async run(args: string[], options: { ownNetwork?: boolean } = {}): Promise<Outcome> {
    const { code, stdout, stderr } = await new Deno.Command("unshare", {
      args: [...this.#enter(options), ...args],
      ...ENVIRONMENT,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  }

  /** A program that stays; signals reach it. */
  start(args: string[]): ServerProcess {
    return new ServerProcess("unshare", { args: [...this.#enter({}), ...args], ...ENVIRONMENT });
  }

  /** What systemctl was asked for since the last look. */
  async systemctl(): Promise<string[]> {
    const path = this.root.join("run/systemctl.log");
    const text = await Deno.readTextFile(path).catch(() => "");
    await Deno.writeTextFile(path, "");
    return text.split("\n").filter((line) => line !== "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.root[Symbol.asyncDispose]();
  }

  #enter({ ownNetwork = false }: { ownNetwork?: boolean }): string[] {
    const spaces = ["--mount", ...ownNetwork ? ["--net"] : []];
    return [...spaces, "sh", "-c", ENTER, "sh", this.root.path];
  }
}

const ENVIRONMENT = {
  env: { PATH: "/fakes:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
};
