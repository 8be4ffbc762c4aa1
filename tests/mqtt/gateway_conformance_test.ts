/**
 * The part of the conformance cases that any server can be asked, against the program itself: own
 * process, real store, kill -9.
 */
import assert from "node:assert/strict";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { CASES } from "@/tests/mqtt/cases/all_cases.ts";
import { RawClient } from "@/tests/mqtt/raw_client.ts";
import { type Case, playCase, type Target } from "@/tests/mqtt/script.ts";
import type { Version } from "@/tests/mqtt/wire.ts";

/** The gateway in a process of its own, with a folder that outlives it. */
class Gateway implements Target, AsyncDisposable {
  readonly #folder: TempDir;
  readonly #clients: RawClient[] = [];
  #process: GatewayProcess;

  private constructor(folder: TempDir, process: GatewayProcess) {
    this.#folder = folder;
    this.#process = process;
  }

  static async start(): Promise<Gateway> {
    const folder = await TempDir.create("sluice-conformance-");
    return new Gateway(folder, await GatewayProcess.start({ folder }));
  }

  async dial(version: Version): Promise<RawClient> {
    const client = await RawClient.open(this.#process.mqttPort, version);
    this.#clients.push(client);
    return client;
  }

  async restart(): Promise<void> {
    await this.#process.kill();
    await this.#process[Symbol.asyncDispose]();
    this.#process = await GatewayProcess.start({ folder: this.#folder });
  }

  /** Ends the connections of a case. */
  async hangUp(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hangUp();
    await this.#process[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** It needs nothing of the fixture: no look inside, no limits, users or rights of its own. */
function isPortable({ script, options }: Case): boolean {
  const isAsked = /^\s*\* (?!restart)/m.test(script) || Object.keys(options).length > 0;
  // The gateway has retained topics of its own, which wildcards on the first level would show, and
  // lets nobody publish on topics with a dollar sign.
  const isOwn = /nopub|nosub|norecv|nowill|taken|user=|pass=|subscribes? [#+]| #|publish \$/;
  return !isAsked && !isOwn.test(script);
}

function leavesState({ script }: Case): boolean {
  return /clean=0|session=|retain|\* restart/.test(script);
}

const portable = CASES.filter(isPortable);

Deno.test("the gateway passes the conformance cases that leave no state", async () => {
  const cases = portable.filter((found) => !leavesState(found));
  assert(cases.length > 200, `only ${cases.length} cases`);
  await using gateway = await Gateway.start();
  const faults: string[] = [];
  for (const found of cases) {
    await playCase(found, gateway).catch((error) =>
      faults.push(`${found.version} ${found.name}: ${error.message}`)
    );
    await gateway.hangUp();
  }
  assert.deepEqual(faults, []);
});

// What is kept does not depend on the version: a process for each case is worth one of them.
const restarts = portable.filter(({ script, version }) =>
  version === 5 && script.includes("* restart")
);

for (const found of restarts) {
  Deno.test(`the gateway is killed: ${found.name}`, async () => {
    await using gateway = await Gateway.start();
    await playCase(found, gateway);
  });
}
