import assert from "node:assert/strict";
import { Metrics } from "@/observe/metrics.ts";
import type { Ledger } from "@/model/ledger.ts";

const LEDGER: Ledger = {
  destination: "pg",
  accepted: 10,
  acked: 5,
  expired: 1,
  purged: 0,
  dropped: 0,
  enqueued: 2,
  inFlight: 1,
  dead: 1,
  oldestUs: 1_000_000,
  queuedBytes: 100,
  paused: false,
  removed: false,
};

Deno.test("a scrape shows the contract's names and the ledger of one snapshot", async () => {
  const metrics = new Metrics();
  metrics.addProbe(() => metrics.setLedger(LEDGER, 3_000_000));
  metrics.countIngest("mqtt", "accepted", 3);
  const text = await metrics.render();
  assert.match(text, /^sluice_ingest_messages_total\{source="mqtt",outcome="accepted"\} 3$/m);
  assert.match(text, /^sluice_ingest_messages_total\{source="serial",outcome="rejected"\} 0$/m);
  assert.match(text, /^sluice_queue_messages\{destination="pg",state="in_flight"\} 1$/m);
  assert.match(text, /^sluice_queue_oldest_seconds\{destination="pg"\} 2$/m);
  assert.match(text, /^# TYPE sluice_ledger_accepted_total counter$/m);
  assert.match(text, /^# TYPE sluice_commit_seconds histogram$/m);
});

Deno.test("a forgotten destination leaves no numbers behind", async () => {
  const metrics = new Metrics();
  metrics.setLedger(LEDGER, 0);
  metrics.resetLedgers();
  assert.doesNotMatch(await metrics.render(), /destination="pg"/);
});
