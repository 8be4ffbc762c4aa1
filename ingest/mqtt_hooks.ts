/**
 * The embedded broker as a source: who may connect, and what happens to telemetry publishes.
 *
 * A publish on a telemetry topic is "taken": it goes to the log together with the broker's own state
 * (a QoS 2 identifier, what sleeping subscribers get queued) in one transaction, and only then does
 * the broker acknowledge and route it. Everything else is ordinary MQTT.
 */
import type { Arrival, Intake, IntakeResult } from "@/ingest/intake.ts";
import { StoreFullError } from "@/model/errors.ts";
import { telemetryRoute } from "@/model/topic.ts";
import type {
  AclAction,
  AuthDecision,
  BrokerHooks,
  BrokerReport,
  ConnectRequest,
  InboundPublish,
  Principal,
  PublishOutcome,
} from "@/mqtt/broker_types.ts";
import type { Logger } from "@/observe/log.ts";
import type { Metrics } from "@/observe/metrics.ts";

/** A device or, without an id, an anonymous sender of this machine. */
export interface MqttPrincipal extends Principal {
  readonly id: string | null;
}

/** What the hooks need of whoever knows the credentials. */
export interface MqttAccess {
  /** Null refuses. */
  admit(request: ConnectRequest): MqttPrincipal | null | Promise<MqttPrincipal | null>;
  allows(principal: MqttPrincipal, action: AclAction, topic: string): boolean;
}

export interface MqttHookParts {
  access: MqttAccess;
  intake: Intake;
  metrics: Metrics;
  log: Logger;
  /** Why new data is refused now; null when it is not. Asked before each publish. */
  full: () => StoreFullError | null;
}

const BAD_CREDENTIALS = 0x86;
const QUOTA_EXCEEDED = 0x97;
const UNSPECIFIED = 0x80;

// A negative PUBACK would make a 5.0 client discard the message: it is disconnected and repeats (C10).
const FULL: PublishOutcome = { kind: "refused", reasonCode: QUOTA_EXCEEDED, disconnect: true };
const DROPPED: PublishOutcome = { kind: "refused", reasonCode: QUOTA_EXCEEDED, disconnect: false };
const FAILED: PublishOutcome = { kind: "refused", reasonCode: UNSPECIFIED, disconnect: true };
const ACCEPTED: PublishOutcome = { kind: "accepted" };

export class MqttHooks implements BrokerHooks<MqttPrincipal> {
  readonly #parts: MqttHookParts;

  constructor(parts: MqttHookParts) {
    this.#parts = parts;
  }

  async authenticate(request: ConnectRequest): Promise<AuthDecision<MqttPrincipal>> {
    const principal = await this.#parts.access.admit(request);
    return principal === null ? { refuse: BAD_CREDENTIALS } : { principal };
  }

  authorize(principal: MqttPrincipal, action: AclAction, topicOrFilter: string): boolean {
    return this.#parts.access.allows(principal, action, topicOrFilter);
  }

  accept(
    publish: InboundPublish<MqttPrincipal>,
    done: (outcome: PublishOutcome) => void,
  ): "route" | "taken" {
    if (telemetryRoute(publish.topic) === null) return "route";
    if (this.#parts.full() !== null) {
      if (publish.qos === 0) this.#parts.metrics.countIngest("mqtt", "dropped");
      done(publish.qos === 0 ? DROPPED : FULL);
      return "taken";
    }
    this.#parts.intake.take(arrivalOf(publish), (result) => done(outcomeOf(result)));
    return "taken";
  }

  report(event: BrokerReport): void {
    const { log } = this.#parts;
    const { message, ...properties } = event;
    if (event.kind === "store_error" || event.kind === "internal_error") {
      log.error("MQTT {kind}: {message}", { ...properties, message });
    } else {
      log.warn("MQTT {kind}: {message}", { ...properties, message });
    }
  }
}

function arrivalOf(publish: InboundPublish<MqttPrincipal>): Arrival {
  return {
    source: "mqtt",
    sourceName: "broker",
    topic: publish.topic,
    payload: publish.payload,
    traceId: traceOf(publish),
    stateOps: publish.stateOps.length === 0 ? undefined : [...publish.stateOps],
  };
}

function outcomeOf(result: IntakeResult): PublishOutcome {
  if (result.refused === null) return ACCEPTED;
  return result.refused instanceof StoreFullError ? FULL : FAILED;
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

function traceOf(publish: InboundPublish<MqttPrincipal>): string | null {
  if (publish.userProperties.length === 0) return null;
  const sent = publish.userProperties.find(([name]) => name === "traceparent")?.[1];
  return TRACEPARENT.exec(sent ?? "")?.[1] ?? null;
}
