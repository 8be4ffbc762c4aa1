/**
 * What the test suite needs from Debian besides Deno: real servers, an emulator, compilers.
 * `deno task debian` installs what is missing when it may (root), else says what is missing.
 */

/** Package → what it is for. */
export const PACKAGES: Record<string, string> = {
  "ca-certificates": "TLS",
  "chromium": "pages in a real browser",
  "curl": "the commands of the README",
  "gcc": "load generator, firmware on the host",
  "gcc-aarch64-linux-gnu": "the executable's entry, the C library of 64-bit ARM",
  "gcc-arm-none-eabi": "firmware",
  "iproute2": "networks of their own for tests",
  "libc6-dev": "headers for gcc",
  "libnewlib-arm-none-eabi": "firmware",
  "make": "firmware",
  "mosquitto": "an outside broker, the yardstick of the benchmarks",
  "mosquitto-clients": "an independent MQTT client",
  "nginx-light": "the gateway behind a proxy",
  "postgresql": "the destination postgres",
  "procps": "process figures",
  "python3-yaml": "the files for compose and Grafana",
  "qemu-system-arm": "the firmware's processor",
  "qemu-user-static": "the executable for 64-bit ARM",
  "shellcheck": "the installer",
  "socat": "pairs of serial lines",
  "strace": "the service's filter of system calls",
  "systemd": "checks of the service's unit",
  "util-linux": "setpriv: PostgreSQL does not run as root",
  "victoria-metrics": "the destination influxdb",
  "xz-utils": "the release's archive",
};

export interface CommandResult {
  success: boolean;
  output: string;
}

/** Runs a program to its end; both output streams as one text. */
export type RunCommand = (command: string, args: string[]) => Promise<CommandResult>;

export interface PackageResult {
  ok: boolean;
  /** What was done, or what is missing and the command that would install it. */
  text: string;
}

/** Checks the packages and, as root, installs the missing ones. */
export async function ensurePackages(
  options: { run: RunCommand; isRoot: boolean },
): Promise<PackageResult> {
  const missing = await missingPackages(options.run);
  if (missing === null) {
    const names = Object.entries(PACKAGES).map(([name, use]) => `  ${name} (${use})`);
    return {
      ok: false,
      text: `This is not a Debian system: dpkg-query cannot be run.\nThe suite needs what these ` +
        `packages hold:\n${names.join("\n")}`,
    };
  }
  if (missing.length === 0) return { ok: true, text: "all packages are installed" };
  if (!options.isRoot) return { ok: false, text: missingText(missing) };
  return await install(missing, options.run);
}

async function missingPackages(run: RunCommand): Promise<string[] | null> {
  const names = Object.keys(PACKAGES);
  const format = "${Package} ${db:Status-Status}\\n";
  // Fails when a package is unknown, and still prints the known ones.
  const { output } = await run("dpkg-query", ["-W", "-f", format, ...names]).catch(() => ({
    output: null,
  }));
  if (output === null) return null;
  const installed = new Set(
    output.split("\n").filter((line) => line.endsWith(" installed")).map((l) => l.split(" ")[0]),
  );
  return names.filter((name) => !installed.has(name));
}

function missingText(missing: string[]): string {
  const lines = missing.map((name) => `  ${name} (${PACKAGES[name]})`);
  return `Debian packages are missing:\n${lines.join("\n")}\nInstall them as root with:\n` +
    `  apt-get update && apt-get install -y --no-install-recommends ${missing.join(" ")}`;
}

async function install(missing: string[], run: RunCommand): Promise<PackageResult> {
  const update = await run("apt-get", ["update", "-q"]);
  const args = ["install", "-y", "-q", "--no-install-recommends", ...missing];
  const result = await run("apt-get", args);
  const left = await missingPackages(run);
  if (result.success && left?.length === 0) {
    return { ok: true, text: `installed ${missing.join(" ")}` };
  }
  return {
    ok: false,
    text: `${missingText(left ?? missing)}\napt-get said:\n${update.output}\n${result.output}`,
  };
}

/** `RunCommand` for real; apt asks nothing. */
export async function runCommand(command: string, args: string[]): Promise<CommandResult> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

if (import.meta.main) {
  const result = await ensurePackages({ run: runCommand, isRoot: Deno.uid() === 0 });
  console.log(result.text);
  if (!result.ok) Deno.exit(1);
}
