/** Runs programs of both machines on either: the other one's in the emulator. */
import { hostTarget, type Target } from "@/tools/executable/target.ts";

/** Debian: qemu-user-static, and the C library that comes with gcc-aarch64-linux-gnu. */
const EMULATORS: Record<Target, { command: string; libraries: string }> = {
  "linux-x64": { command: "qemu-x86_64-static", libraries: "/usr/x86_64-linux-gnu" },
  "linux-arm64": { command: "qemu-aarch64-static", libraries: "/usr/aarch64-linux-gnu" },
};

/** Command and first arguments that run a file of the target here. */
export function runOn(target: Target, file: string): { command: string; args: string[] } {
  if (target === hostTarget()) return { command: file, args: [] };
  const { command, libraries } = EMULATORS[target];
  return { command, args: ["-L", libraries, file] };
}
