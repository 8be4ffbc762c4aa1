/**
 * A process to be killed: appends numbered messages through the real store, settles some of them, and
 * prints the number of each that was accepted. Arguments: data folder, first number.
 */
import { message, settlement, storeOptions } from "@/store/fixture.ts";
import { openStore } from "@/store/store.ts";
import type { StoreToForward } from "@/store/store_types.ts";

const [dataDir = "", first = "1"] = Deno.args;
const store = await openStore(storeOptions(dataDir, { keepMs: 1e12, lingerMs: 1 }));
await store.syncDestinations(["db"]);
const port = store.openForwardPort();
let cursor = 0;
port.onmessage = ({ data }: MessageEvent<StoreToForward>) => {
  if (data.type === "destinations") cursor = data.destinations[0]?.cursor ?? 0;
  if (data.type !== "head") return;
  const rows = Math.floor((data.lastNumber - cursor) / 2);
  if (rows === 0) return;
  cursor += rows;
  const dead = cursor % 5 === 0 ? [{ number: cursor, error: "no", attempts: 1 }] : [];
  const parts = { destination: "db", throughNumber: cursor, rows, dead };
  port.postMessage({ type: "settle", token: cursor, settlement: settlement(parts) });
};

const encoder = new TextEncoder();
let next = Number(first);
let waiting = 0;
let acknowledged: number[] = [];

function append(): void {
  const seq = next++;
  waiting++;
  store.append(message(`dev-${seq % 13}`, { seq, payload: `{"n":${seq}}` }), (outcome) => {
    waiting--;
    if (outcome.kind !== "refused") acknowledged.push(seq);
  });
}

/** After each commit its acknowledgements leave in one write, and new messages follow. */
store.onCommitted(() => {
  if (acknowledged.length > 0) Deno.stdout.writeSync(encoder.encode(`${acknowledged.join(" ")}\n`));
  acknowledged = [];
  while (waiting < 200) append();
});
append();
