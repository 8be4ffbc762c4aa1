/** What the gateway reads of the machine: boot id, uptime, bytes written, disk, lag. */
import { statfsSync } from "node:fs";

export interface Boot {
  /** Changes with every start of the machine. */
  id: string;
  /** Monotonic µs since the machine started, as it stood at `atMs` of `performance.now()`. */
  uptimeUs: number;
  atMs: number;
}

/**
 * Files below `/proc` cannot be opened with narrow permissions: `cat`, allowed by name, reads them.
 * Null where there is no `/proc`.
 */
async function readProc(...paths: string[]): Promise<string | null> {
  try {
    const command = new Deno.Command("cat", { args: paths, stdin: "null", stderr: "null" });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout) : null;
  } catch {
    return null;
  }
}

/** Boot id and uptime; without `/proc` each process is a boot of its own. */
export async function readBoot(): Promise<Boot> {
  const text = await readProc("/proc/sys/kernel/random/boot_id", "/proc/uptime");
  const atMs = performance.now();
  const [id = "", uptime = ""] = text?.split("\n") ?? [];
  const seconds = Number.parseFloat(uptime);
  if (id === "" || !Number.isFinite(seconds)) {
    return { id: crypto.randomUUID(), uptimeUs: atMs * 1000, atMs };
  }
  return { id, uptimeUs: Math.round(seconds * 1e6), atMs };
}

/** Bytes that this process caused to be written to storage; null where the kernel does not say. */
export async function readBytesWritten(pid: number): Promise<number | null> {
  const text = await readProc(`/proc/${pid}/io`);
  const found = /^write_bytes: (\d+)$/m.exec(text ?? "");
  return found === null ? null : Number(found[1]);
}

/** Size and free bytes of a path's file system; null where they may not be asked. */
export function readDisk(path: string): { freeBytes: number; totalBytes: number } | null {
  // Asked only where it was allowed before: a prompt in a service would hang.
  if (Deno.permissions.querySync({ name: "sys", kind: "statfs" }).state !== "granted") return null;
  try {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return null;
  }
}

const LAG_SECONDS = 60;

/** Watches how late timers come: the time for which something held the event loop. */
export class LoopLag {
  #worstMs = 0;
  readonly #seconds: number[] = [];
  #secondEndsMs: number;
  #secondWorstMs = 0;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(everyMs = 100) {
    let expectedMs = performance.now() + everyMs;
    this.#secondEndsMs = performance.now() + 1000;
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.#note(Math.max(0, nowMs - expectedMs), nowMs);
      expectedMs = nowMs + everyMs;
    }, everyMs);
  }

  /** Worst lag since the last call, seconds. */
  takeSeconds(): number {
    const seconds = this.#worstMs / 1000;
    this.#worstMs = 0;
    return seconds;
  }

  /** Worst lag of each of the last seconds, ms, oldest first; at most a minute. */
  recentMs(): number[] {
    return [...this.#seconds];
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #note(lagMs: number, nowMs: number): void {
    this.#worstMs = Math.max(this.#worstMs, lagMs);
    this.#secondWorstMs = Math.max(this.#secondWorstMs, lagMs);
    if (nowMs < this.#secondEndsMs) return;
    this.#seconds.push(this.#secondWorstMs);
    if (this.#seconds.length > LAG_SECONDS) this.#seconds.shift();
    this.#secondWorstMs = 0;
    this.#secondEndsMs = nowMs + 1000;
  }
}
