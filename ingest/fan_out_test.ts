import assert from "node:assert/strict";
import { FanOut, type LocalBroker } from "@/ingest/fan_out.ts";
import type { LiveMessage } from "@/model/live.ts";
import type { Reading } from "@/model/reading.ts";

/** Keeps what a broker would: what went out, and what is retained. */
class RecordingBroker implements LocalBroker {
  readonly published: [topic: string, payload: string, retain: boolean][] = [];
  readonly subscribed = new Set<string>();

  publish({ topic, payload, retain }: Parameters<LocalBroker["publish"]>[0]): void {
    this.published.push([topic, new TextDecoder().decode(payload), retain]);
  }

  hasSubscribers(topic: string): boolean {
    return this.subscribed.has(topic);
  }
}

function reading(value: number, us: number): Reading {
  return { device: "a", measurement: "t", value, unit: null, at: { us, ns: 0 }, flags: [] };
}

function live(...readings: Reading[]): LiveMessage {
  const normalized = { readings, predictions: [], attributes: [], tags: null };
  return { normalized } as unknown as LiveMessage;
}

function fanOut(broker: LocalBroker, seriesMax = 100): FanOut {
  return new FanOut(broker, { prefix: "iiot", seriesMax });
}

Deno.test("without a subscriber only the newest value goes out, before somebody subscribes", () => {
  const broker = new RecordingBroker();
  const out = fanOut(broker);
  for (let i = 1; i <= 100; i++) out.announce(live(reading(i, i)));
  assert.deepEqual(broker.published, []);
  out.flush();
  assert.deepEqual(broker.published, [["iiot/a/t", "100", true]]);
});

Deno.test("a subscriber gets every reading, at once and in order", () => {
  const broker = new RecordingBroker();
  broker.subscribed.add("iiot/a/t");
  const out = fanOut(broker);
  out.announce(live(reading(1, 1), reading(2, 2)));
  assert.deepEqual(broker.published.map(([, payload]) => payload), ["1", "2"]);
});

Deno.test("a late reading is published live but replaces no newer retained one", () => {
  const broker = new RecordingBroker();
  broker.subscribed.add("iiot/a/t");
  const out = fanOut(broker);
  out.announce(live(reading(2, 2_000)));
  out.announce(live(reading(1, 1_000)));
  assert.deepEqual(broker.published, [["iiot/a/t", "2", true], ["iiot/a/t", "1", false]]);
});

Deno.test("a value that waited is not published after a newer one that went out live", () => {
  const broker = new RecordingBroker();
  const out = fanOut(broker);
  out.announce(live(reading(1, 1)));
  broker.subscribed.add("iiot/a/t");
  out.announce(live(reading(2, 2)));
  out.flush();
  assert.deepEqual(broker.published, [["iiot/a/t", "2", true]]);
});

Deno.test("beyond the bound of series readings go out unretained", () => {
  const broker = new RecordingBroker();
  const out = fanOut(broker, 1);
  out.announce(live(reading(1, 1), { ...reading(2, 2), device: "b" }));
  out.flush();
  assert.deepEqual(broker.published, [["iiot/b/t", "2", false], ["iiot/a/t", "1", true]]);
});
