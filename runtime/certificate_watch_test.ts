import assert from "node:assert/strict";
import { CertificateFiles } from "@/auth/certificate_files.ts";
import { loadConfig } from "@/config/load.ts";
import type { Logger } from "@/observe/log.ts";
import { CertificateWatch } from "@/runtime/certificate_watch.ts";
import { EncryptedListeners } from "@/runtime/encrypted_listeners.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";

const DAY_MS = 24 * 3600 * 1000;

/** A log that keeps what is warned of. */
function recorder(): { log: Logger; warned: string[] } {
  const warned: string[] = [];
  const drop = () => {};
  const warn = (text: string, properties?: Record<string, unknown>) =>
    void warned.push(`${text.slice(0, 30)} ${properties?.use}`);
  return { log: { debug: drop, info: drop, error: drop, warn } as unknown as Logger, warned };
}

Deno.test("what is in use is listed, and what ends within 21 days is warned of once a day", async () => {
  await using folder = await TempDir.create("sluice-watch-");
  const { config } = await loadConfig({
    ...{ configFile: null, configFileRequired: false, settingsFile: null, environment: {} },
    flags: [
      { path: ["tls", "https_listen"], value: "off", flag: "--x" },
      { path: ["tls", "mqtts_listen"], value: "off", flag: "--y" },
    ],
  });
  let nowMs = Date.now();
  const { log, warned } = recorder();
  const certificates = new CertificateFiles({ folder: folder.join("tls"), now: Date.now });
  const never = () => Promise.reject(new Error("both ports are off"));
  const parts = { config: () => config, certificates, log };
  const listeners = new EncryptedListeners({ ...parts, https: never, mqtts: never });
  const watch = new CertificateWatch({ ...parts, listeners, now: () => nowMs });
  assert.deepEqual(await watch.list(), []);
  await certificates.createAuthority();
  const { fingerprint, notAfterMs } = await certificates.issueServer({ names: ["gate.local"] });
  await listeners.look();
  const list = await watch.list();
  assert.deepEqual(list.map(({ use }) => use), ["server", "authority"]);
  assert.equal(list[0]?.fingerprint, fingerprint);
  assert.deepEqual(list[0]?.names, ["gate.local"]);
  await watch.warn();
  assert.deepEqual(warned, []);
  nowMs = notAfterMs - 20 * DAY_MS;
  await watch.warn();
  nowMs += DAY_MS / 2;
  await watch.warn();
  assert.deepEqual(warned, ["The certificate expires soon:  server"]);
  nowMs += 25 * DAY_MS;
  await watch.warn();
  assert.deepEqual(warned.slice(1), ["The certificate has expired: { server"]);
  await listeners.stop(0);
});
