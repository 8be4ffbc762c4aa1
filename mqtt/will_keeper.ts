/**
 * Wills: when a connection ends other than by a normal DISCONNECT the will is published, at once or
 * after its delay, but not later than the end of the session [MQTT-3.1.3-9]. A will passes the
 * product like any publish. For a session that is kept the will is kept too: after a crash of the
 * gateway it fires as if the connection had been lost at the start.
 */

import type { PublishOutcome, StateOp, StoredMessage, StoredWill } from "@/mqtt/broker_types.ts";
import type { BrokerCore, BrokerSession } from "@/mqtt/broker_core.ts";
import type { ProtocolVersion } from "@/mqtt/codec/packet.ts";

export class WillKeeper {
  readonly #core: BrokerCore;

  constructor(core: BrokerCore) {
    this.#core = core;
  }

  /** The connection is gone without a normal DISCONNECT. */
  connectionLost(session: BrokerSession): void {
    if (session.will === null) return;
    const delaySeconds = Math.min(session.will.delaySeconds, session.expirySeconds);
    if (delaySeconds === 0) this.#fire(session);
    else session.willDueAtMs = this.#core.time.nowMs() + delaySeconds * 1000;
  }

  /** A normal DISCONNECT removes the will [MQTT-3.1.2-10]; so does a new connection in its delay. */
  forget(session: BrokerSession): void {
    session.will = null;
    session.willDueAtMs = null;
  }

  /** The session ends before the delay is over. */
  sessionEnds(session: BrokerSession): void {
    if (session.willDueAtMs !== null) this.#fire(session);
  }

  /** Fires what is due. */
  tick(nowMs: number): void {
    for (const session of this.#core.sessions.all()) {
      if (session.willDueAtMs !== null && session.willDueAtMs <= nowMs) this.#fire(session);
    }
  }

  #fire(session: BrokerSession): void {
    const { will } = session;
    this.forget(session);
    if (will === null) return;
    const { hooks, router, time } = this.#core;
    const message = freshMessage(will, time.nowMs());
    // Rights may have been taken away since CONNECT.
    if (!hooks.authorize(session.principal, "will", message.topic)) return;
    const plan = router.plan(message, { origin: session });
    if (session.durable) plan.ops.push({ kind: "session_put", session: session.toStored() });
    const conclude = (accepted: boolean): void => {
      if (accepted) router.deliver(plan);
      else router.abandon(plan);
    };
    let isDone = false;
    const done = (outcome: PublishOutcome): void => {
      if (isDone) return;
      isDone = true;
      conclude(outcome.kind === "accepted");
    };
    if (this.#offer(session, { message, ops: plan.ops, done }) === "taken") return;
    if (plan.ops.length === 0) conclude(true);
    else this.#core.journal.append(plan.ops, (error) => conclude(error === null));
  }

  #offer(
    session: BrokerSession,
    { message, ops, done }: {
      message: StoredMessage;
      ops: readonly StateOp[];
      done: (outcome: PublishOutcome) => void;
    },
  ): "route" | "taken" {
    const protocolVersion: ProtocolVersion = message.properties === null ? 4 : 5;
    return this.#core.hooks.accept({
      origin: "will",
      topic: message.topic,
      payload: message.payload,
      qos: message.qos,
      retain: message.retain,
      dup: false,
      principal: session.principal,
      clientId: session.clientId,
      sessionKey: session.key,
      protocolVersion,
      properties: message.properties,
      userProperties: message.properties?.userProperties ?? [],
      stateOps: ops,
    }, done);
  }
}

/** Its expiry counts from the publication. */
function freshMessage({ message }: StoredWill, nowMs: number): StoredMessage {
  const lifetimeMs = message.expiresAtMs === null
    ? null
    : message.expiresAtMs - message.receivedAtMs;
  return {
    ...message,
    receivedAtMs: nowMs,
    expiresAtMs: lifetimeMs === null ? null : nowMs + lifetimeMs,
  };
}
