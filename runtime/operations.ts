/** What the command line asks of a running gateway; the control socket calls it. */
import type { AccessOperations } from "@/cli/access_operations.ts";
import type {
  DestinationStatus,
  DestinationTest,
  FeedBatch,
  GatewayStatus,
  Operations,
  PageRequest,
  QueueStatus,
  TapMessage,
} from "@/cli/operations.ts";
import type { ConfigChanges } from "@/config/show.ts";
import type { Gateway } from "@/gateway.ts";
import type { Arrival, IntakeResult } from "@/ingest/intake.ts";
import { LineDecoder } from "@/ingest/lines.ts";
import { COMMIT, VERSION } from "@/model/build.ts";
import { decodePayload, isUndecodable } from "@/model/decode/decode.ts";
import { ConfigError, PermanentError } from "@/model/errors.ts";
import type { DeadLetter, SourceDeadLetter } from "@/model/ledger.ts";
import type { SourceKind } from "@/model/message.ts";
import { AccessCalls } from "@/runtime/access_calls.ts";
import { logger } from "@/observe/log.ts";
import type { CertificateStatus } from "@/runtime/certificate_watch.ts";
import { liveTap } from "@/runtime/live_tap.ts";
import type { DeadFilter, Journey, Page, SourceDeadFilter } from "@/store/store_types.ts";

export interface Control {
  /** Reads the configuration again and applies it. */
  reload: () => Promise<ConfigChanges>;
  /** Begins the stop of the process. */
  stop: () => void;
}

const encoder = new TextEncoder();
const REPLAY_PAGE = 500;

/** What may be done to a running gateway; the HTTP API offers a part of it too. */
export class GatewayOperations implements Omit<Operations, "reload" | "stop"> {
  readonly #gateway: Gateway;
  readonly #startedAtMs = Date.now();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  access(): Promise<AccessOperations> {
    const gateway = this.#gateway;
    return Promise.resolve(
      new AccessCalls({
        auth: gateway.auth,
        config: () => gateway.config,
        listening: () => gateway.addresses,
        certificatesChanged: () => gateway.encrypted.look(),
      }),
    );
  }

  async status(): Promise<GatewayStatus> {
    const { addresses, phase, store } = this.#gateway;
    return {
      version: VERSION,
      commit: COMMIT,
      pid: Deno.pid,
      startedAtMs: this.#startedAtMs,
      phase,
      listening: addresses,
      durability: store.state.durability,
    };
  }

  async queueStatus(): Promise<QueueStatus> {
    const { store, drainRates } = this.#gateway;
    const { ledgers, sourceDead, lastNumber } = await store.snapshot();
    const { durability, full, queuedBytes, diskBytes, freeBytes } = store.state;
    const drainPerSecond = Object.fromEntries(
      ledgers.map(({ destination }) => [destination, drainRates.rate(destination)]),
    );
    return {
      ...{ ledgers, drainPerSecond, sourceDead, lastNumber, durability },
      ...{ full: full?.message ?? null, queuedBytes, diskBytes, freeBytes },
    };
  }

  queueShow(id: string): Promise<Journey | null> {
    return this.#gateway.store.journey(id);
  }

  deadList(filter: DeadFilter, page: PageRequest): Promise<Page<DeadLetter>> {
    return this.#gateway.store.listDead(filter, page);
  }

  deadReplay(filter: DeadFilter, options: { payload?: string }): Promise<number> {
    return this.#gateway.store.replayDead(filter, options);
  }

  deadPurge(filter: DeadFilter, by: string): Promise<number> {
    return this.#gateway.store.purgeDead(filter, local(by));
  }

  sourceDeadList(filter: SourceDeadFilter, page: PageRequest): Promise<Page<SourceDeadLetter>> {
    return this.#gateway.store.listSourceDead(filter, page);
  }

  sourceDeadPurge(filter: SourceDeadFilter, by: string): Promise<number> {
    return this.#gateway.store.deleteSourceDead(filter, local(by));
  }

  /** A letter that decodes now is taken in as if it had just arrived; the others stay. */
  async sourceDeadReplay(
    filter: SourceDeadFilter,
    { payload }: { payload?: string },
  ): Promise<{ accepted: number; rejected: number }> {
    const { store } = this.#gateway;
    const counts = { accepted: 0, rejected: 0 };
    let cursor: string | undefined;
    do {
      const page = await store.listSourceDead(filter, { limit: REPLAY_PAGE, cursor });
      if (payload !== undefined && (page.items.length !== 1 || page.cursor !== null)) {
        throw new PermanentError("Cannot replace the payload of more than one dead letter", {
          code: "CLI-0105",
          hint: "name one id with --payload",
        });
      }
      for (const letter of page.items) {
        const bytes = payload === undefined ? letter.payload : encoder.encode(payload);
        const taken = await this.#replayOne(letter, bytes);
        counts[taken ? "accepted" : "rejected"]++;
      }
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
    return counts;
  }

  async #replayOne(letter: SourceDeadLetter, payload: Uint8Array): Promise<boolean> {
    const parts = decodePayload(letter.topic, payload, Date.now() * 1000);
    if (parts.some(isUndecodable)) return false;
    const { refused } = await this.#take({
      source: letter.source as SourceKind,
      sourceName: letter.sourceName,
      topic: letter.topic,
      payload,
    });
    if (refused !== null) throw refused;
    await this.#gateway.store.deleteSourceDead({ ids: [letter.id] }, null);
    return true;
  }

  async destinationList(): Promise<DestinationStatus[]> {
    const { ledgers } = await this.#gateway.store.snapshot();
    const statuses = new Map(this.#gateway.forwarder.status().map((each) => [each.name, each]));
    const configured = new Map(this.#gateway.config.destination.map((each) => [each.name, each]));
    return ledgers.map((ledger) => {
      const status = statuses.get(ledger.destination);
      const config = configured.get(ledger.destination);
      return {
        name: ledger.destination,
        type: config?.type ?? null,
        ledger,
        mode: config?.enabled === false ? "paused" : status?.mode ?? null,
        up: status?.up ?? null,
        lastError: status?.lastFailure ?? null,
        nextAttemptAtMs: status?.nextAttemptAtMs ?? null,
      };
    });
  }

  async destinationTest(name: string): Promise<DestinationTest> {
    this.#requireDestination(name);
    const { ok, detail, failure, tookMs } = await this.#gateway.forwarder.test(name);
    return {
      ok,
      message: failure?.message ?? detail,
      hint: failure?.hint ?? "",
      durationMs: tookMs,
    };
  }

  /** Server, authorities: names, expiry, fingerprint, file. */
  certificates(): Promise<CertificateStatus[]> {
    return this.#gateway.certificates.list();
  }

  destinationPause(name: string, paused: boolean): Promise<void> {
    return this.#gateway.store.pauseDestination(name, paused);
  }

  async destinationForget(name: string): Promise<void> {
    if (this.#gateway.config.destination.some((each) => each.name === name)) {
      throw new ConfigError(`Cannot forget destination "${name}": it is still configured`, {
        code: "CLI-0106",
        hint: "remove it from the configuration and reload first",
      });
    }
    await this.#gateway.store.forgetDestination(name);
  }

  /** Every line is committed when this resolves; a repeated line is a duplicate. */
  async feed({ receiver, session, lines }: FeedBatch): Promise<void> {
    const topic = `gateways/${receiver}/packet`;
    const taken = lines.flatMap(({ number, text }) =>
      this.#packetsOf(text, receiver).map((json) =>
        this.#take({
          source: "feed",
          sourceName: "feed",
          topic,
          payload: encoder.encode(json),
          line: { number, session },
        })
      )
    );
    for (const { refused } of await Promise.all(taken)) {
      if (refused !== null) throw refused;
    }
  }

  /** The packets of one line; what is none is a line of the board's own log. */
  #packetsOf(line: string, receiver: string): string[] {
    const decoder = new LineDecoder();
    const found = [...decoder.push(encoder.encode(line)), ...decoder.end()];
    return found.flatMap((each) => {
      if (each.kind === "packet") return [each.json];
      this.#gateway.metrics.logLines.inc({ source: "feed" });
      logger("source").debug("Line of {receiver}", { receiver, line: each.text });
      return [];
    });
  }

  tap(filter: string, signal: AbortSignal): AsyncIterable<TapMessage> {
    const gatewayId = this.#gateway.config.gateway.id;
    return liveTap(this.#gateway.intake, { filter, gatewayId, signal });
  }

  backupCreate(file: string): Promise<number> {
    return this.#gateway.store.backup(file);
  }

  #requireDestination(name: string): void {
    const names = this.#gateway.config.destination.map((each) => each.name);
    if (names.includes(name)) return;
    throw new ConfigError(`Cannot test destination "${name}": it is not configured`, {
      code: "CLI-0107",
      hint: names.length === 0 ? "add a [[destination]]" : `there are: ${names.join(", ")}`,
    });
  }

  #take(arrival: Arrival): Promise<IntakeResult> {
    return new Promise((resolve) => this.#gateway.intake.take(arrival, resolve));
  }
}

/** Who acts through the control socket. */
function local(name: string): { name: string; address: string } {
  return { name, address: "local" };
}

/** With what concerns the process. */
export class LiveOperations extends GatewayOperations implements Operations {
  readonly #control: Control;

  constructor(gateway: Gateway, control: Control) {
    super(gateway);
    this.#control = control;
  }

  reload(): Promise<ConfigChanges> {
    return this.#control.reload();
  }

  async stop(): Promise<void> {
    this.#control.stop();
  }
}
