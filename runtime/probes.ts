/** Joins the metrics to the state that they show: one snapshot per scrape. */
import type { Forwarder } from "@/forward/forwarder.ts";
import { COMMIT, VERSION } from "@/model/build.ts";
import type { Metrics } from "@/observe/metrics.ts";
import type { CertificateWatch } from "@/runtime/certificate_watch.ts";
import type { DeviceWatch } from "@/runtime/device_watch.ts";
import { type LoopLag, readBytesWritten } from "@/runtime/machine.ts";
import type { Store } from "@/store/store_types.ts";

export interface ProbedParts {
  store: Store;
  forwarder: Forwarder;
  connections: () => number;
  loopLag: LoopLag;
  certificates: CertificateWatch;
  deviceWatch: DeviceWatch;
}

export function addProbes(metrics: Metrics, parts: ProbedParts): void {
  metrics.addProbe(() => probeLedgers(metrics, parts));
  metrics.addProbe(() => probeStore(metrics, parts.store));
  metrics.addProbe(() => probeCertificates(metrics, parts.certificates));
  metrics.addProbe(() => probeDevices(metrics, parts.deviceWatch));
  metrics.addProbe(async () => {
    const bytes = await readBytesWritten(Deno.pid);
    if (bytes !== null) metrics.diskWritten.set(bytes);
  });
  metrics.addProbe(() => {
    metrics.mqttConnections.set(parts.connections());
    metrics.loopLag.set(parts.loopLag.takeSeconds());
  });
  metrics.buildInfo.set(
    { version: VERSION, commit: COMMIT, runtime: `deno ${Deno.version.deno}` },
    1,
  );
}

async function probeLedgers(metrics: Metrics, { store, forwarder }: ProbedParts): Promise<void> {
  const { ledgers, sourceDead } = await store.snapshot();
  metrics.resetLedgers();
  for (const ledger of ledgers) metrics.setLedger(ledger, Date.now() * 1000);
  for (const { name, up } of forwarder.status()) {
    metrics.destinationUp.set({ destination: name }, up === true ? 1 : 0);
  }
  metrics.sourceDead.set(sourceDead);
}

function probeStore(metrics: Metrics, { state }: Store): void {
  metrics.diskFree.set(state.freeBytes ?? 0);
  metrics.full.set(state.full === null ? 0 : 1);
  metrics.clockTrusted.set(state.clockTrusted ? 1 : 0);
}

async function probeCertificates(metrics: Metrics, watch: CertificateWatch): Promise<void> {
  const list = await watch.list();
  metrics.certificateExpiry.reset();
  for (const { use: certificate, notAfterMs } of list) {
    metrics.certificateExpiry.set({ certificate }, (notAfterMs - Date.now()) / 1000);
  }
}

/** Devices that were heard; one that is only registered has no state yet. */
function probeDevices(metrics: Metrics, watch: DeviceWatch): void {
  const { waiting: _never, ...counts } = watch.counts(Date.now());
  for (const [state, count] of Object.entries(counts)) metrics.devices.set({ state }, count);
}
