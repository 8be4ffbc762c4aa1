/**
 * `$SYS` basics, under the names that dashboards know from Mosquitto. Retained in memory only,
 * published when they changed, every ten seconds.
 */

import type { BrokerCore } from "@/mqtt/broker_core.ts";

const INTERVAL_MS = 10_000;

const encoder = new TextEncoder();

export class SystemTopics {
  readonly #core: BrokerCore;
  readonly #version: string;
  readonly #startedAtMs: number;
  readonly #published: Map<string, string> = new Map();
  #lastAtMs = -Infinity;

  constructor(core: BrokerCore, version: string) {
    this.#core = core;
    this.#version = version;
    this.#startedAtMs = core.time.nowMs();
  }

  tick(nowMs: number): void {
    if (nowMs - this.#lastAtMs < INTERVAL_MS) return;
    this.#lastAtMs = nowMs;
    for (const [name, value] of this.#values(nowMs)) this.#publish(`$SYS/broker/${name}`, value);
  }

  #values(nowMs: number): [string, string][] {
    const { statistics, sessions } = this.#core;
    const dropped = Object.values(statistics.droppedTotal).reduce((sum, n) => sum + n, 0);
    const numbers: [string, number][] = [
      ["clients/connected", statistics.connections],
      ["clients/total", sessions.size],
      ["clients/disconnected", Math.max(0, sessions.size - statistics.connections)],
      ["messages/received", statistics.receivedMessagesTotal],
      ["messages/sent", statistics.sentMessagesTotal],
      ["publish/messages/dropped", dropped],
      ["bytes/received", statistics.receivedBytesTotal],
      ["bytes/sent", statistics.sentBytesTotal],
      ["retained messages/count", statistics.retainedMessages],
      ["store/messages/count", statistics.queuedMessages],
      ["store/messages/bytes", statistics.queuedBytes],
      ["subscriptions/count", statistics.subscriptions],
    ];
    return [
      ["version", this.#version],
      ["uptime", `${Math.floor((nowMs - this.#startedAtMs) / 1000)} seconds`],
      ...numbers.map(([name, value]): [string, string] => [name, String(value)]),
    ];
  }

  #publish(topic: string, value: string): void {
    if (this.#published.get(topic) === value) return;
    this.#published.set(topic, value);
    this.#core.router.publish({
      topic,
      payload: encoder.encode(value),
      qos: 0,
      retain: true,
      properties: null,
      receivedAtMs: this.#core.time.nowMs(),
      expiresAtMs: null,
    }, { origin: null, volatile: true });
  }
}
