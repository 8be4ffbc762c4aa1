/** The process and the machine in numbers. */
import { cpuUsage } from "node:process";
import { COMMIT, VERSION } from "@/model/build.ts";
import type { SystemView } from "@/model/system_view.ts";
import type { Health } from "@/routes/health.ts";
import { type LoopLag, readDisk } from "@/runtime/machine.ts";
import type { Store } from "@/store/store_types.ts";

export interface SystemViewParts {
  store: Pick<Store, "state">;
  loopLag: LoopLag;
  health: () => Health;
  connections: () => { mqtt: number; streams: number; pages: number };
  dataDir: string;
  diskFloorBytes: () => number;
  startedAtMs: number;
  now: () => number;
  monotonic: () => number;
}

/** A shorter time says little about how busy the process is. */
const CPU_WINDOW_MS = 2_000;

export class SystemViews {
  readonly #parts: SystemViewParts;
  #cpu: { atMs: number; usedMs: number };
  #cpuShare: number | null = null;

  constructor(parts: SystemViewParts) {
    this.#parts = parts;
    this.#cpu = { atMs: parts.monotonic(), usedMs: usedCpuMs() };
  }

  view(): SystemView {
    const { store, loopLag, health, connections, startedAtMs, now } = this.#parts;
    const { mqtt, streams, pages } = connections();
    const { status, notes } = health();
    const { clockTrusted, salvaged } = store.state;
    return {
      ...{ atMs: now(), startedAtMs, version: VERSION, commit: COMMIT, status, notes },
      runtime: `deno ${Deno.version.deno}`,
      platform: `${Deno.build.os} ${Deno.build.arch}`,
      pid: Deno.pid,
      memory: memory(),
      cpuShare: this.#takeCpuShare(),
      loopLagMs: loopLag.recentMs(),
      ...{ mqttConnections: mqtt, streams, pages, clockTrusted, salvaged },
      disk: readDisk(this.#parts.dataDir),
      diskFloorBytes: this.#parts.diskFloorBytes(),
    };
  }

  /** Over the time since it was measured last, when that is long enough. */
  #takeCpuShare(): number | null {
    const atMs = this.#parts.monotonic();
    const passedMs = atMs - this.#cpu.atMs;
    if (passedMs < CPU_WINDOW_MS) return this.#cpuShare;
    const usedMs = usedCpuMs();
    this.#cpuShare = (usedMs - this.#cpu.usedMs) / passedMs;
    this.#cpu = { atMs, usedMs };
    return this.#cpuShare;
  }
}

function usedCpuMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

function memory(): SystemView["memory"] {
  const { rss, heapUsed, heapTotal } = Deno.memoryUsage();
  return { rssBytes: rss, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal };
}
