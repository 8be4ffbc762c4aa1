import { run } from "@/tests/helpers/server_process.ts";

/** One line of the benchmark's table. */
export interface Row {
  name: string;
  ours: number;
  /** null where there is no peer to measure beside us. */
  peer: number | null;
  unit: string;
  note: string;
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US").replaceAll(",", " ") : value
    .toFixed(2);
}

/** Prints rows as a table; the ratio is ours ÷ peer. */
export function printRows(rows: Row[]): void {
  const cells = rows.map(({ name, ours, peer, unit, note }) => [
    name,
    figure(ours),
    peer === null ? "-" : figure(peer),
    unit,
    peer === null ? "-" : (ours / peer).toFixed(2),
    note,
  ]);
  const table = [["what", "sluice", "peer", "unit", "ratio", "note"], ...cells];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((line) => line[i]!.length)));
  for (const line of table) {
    console.log(line.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd());
  }
}

/** Resident memory of a process, MB. */
export async function residentMegabytes(pid: number): Promise<number> {
  // Deno opens files below /proc only with all permissions; cat needs none of them.
  const status = await run("cat", { args: [`/proc/${pid}/status`] });
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) / 1000;
}
