/** What HTTP ingest asks of the gateway: who may write, how fast, and the commit itself. */
import type { DeviceDoors } from "@/auth/device_doors.ts";
import type { RateLimit } from "@/auth/rate_limit.ts";
import { addressKey } from "@/auth/remote_address.ts";
import type { Intake } from "@/ingest/intake.ts";
import { HttpError, StoreFullError } from "@/model/errors.ts";
import type { IngestMessage, IngestPort, Sender } from "@/routes/api/ingest.ts";
import type { HttpApproach } from "@/routes/http_env.ts";

export interface HttpIngestParts {
  doors: DeviceDoors;
  intake: Intake;
  /** Per client address and per credential; null where there is no limit. */
  limits: () => { address: RateLimit | null; credential: RateLimit | null };
  /** Null when new data can be taken, else why not. */
  unavailable: () => { message: string; hint: string; retryAfterSeconds: number } | null;
}

const encoder = new TextEncoder();

export class HttpIngest implements IngestPort {
  readonly #parts: HttpIngestParts;

  constructor(parts: HttpIngestParts) {
    this.#parts = parts;
  }

  async authenticate(approach: HttpApproach): Promise<Sender> {
    const { doors } = this.#parts;
    const principal = await doors.request(approach);
    return {
      mayWrite: (device) => doors.mayWrite(principal, device),
      address: approach.remoteAddress,
      deviceId: principal.deviceId,
    };
  }

  rateLimit({ address, deviceId }: Sender): number {
    const limits = this.#parts.limits();
    const ofAddress = limits.address?.take(addressKey(address)) ?? 0;
    if (ofAddress > 0 || deviceId === null) return ofAddress;
    return limits.credential?.take(deviceId) ?? 0;
  }

  assertReady(): void {
    const why = this.#parts.unavailable();
    if (why === null) return;
    if (why instanceof StoreFullError) throw why;
    throw new HttpError(503, why.message, {
      code: "HTTP-0503",
      hint: why.hint,
      headers: { "Retry-After": String(why.retryAfterSeconds) },
    });
  }

  async take(message: IngestMessage): Promise<{ id: string | null; duplicate: boolean }> {
    const result = await new Promise<Parameters<Parameters<Intake["take"]>[1]>[0]>((resolve) =>
      this.#parts.intake.take({
        source: "http",
        sourceName: "http",
        topic: `devices/${message.device}/telemetry`,
        payload: encoder.encode(message.body),
        traceId: message.traceId,
        idempotencyKey: message.idempotencyKey,
      }, resolve)
    );
    if (result.refused !== null) throw result.refused;
    return { id: result.id, duplicate: result.duplicate > 0 };
  }
}
