/**
 * Mutated legal packets and their random order against the live server. FUZZ_SEED repeats a run,
 * FUZZ_CONNECTIONS lengthens it.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { anyPacket } from "@/mqtt/codec/packet_arbitrary.ts";
import { encodePacket } from "@/mqtt/codec/packet_encoder.ts";
import { connectPacket, TestBroker, until } from "@/mqtt/test_peer.ts";

interface Script {
  version: 3 | 4 | 5;
  isClean: boolean;
  packets: Uint8Array[];
}

/** What one client sends: its CONNECT, then packets, some of them damaged. */
function anyScript(): fc.Arbitrary<Script> {
  const damage = fc.option(fc.record({ at: fc.nat(), value: fc.nat(255) }));
  const rarely = fc.nat(9).chain((n) => n === 0 ? damage : fc.constant(null));
  const likely = anyPacket().filter(({ packet, from }) =>
    from === "client" && packet.type !== "connect" && packet.type !== "disconnect"
  );
  const piece = (version: 3 | 4 | 5) =>
    fc.tuple(fc.nat(9).chain((n) => n === 0 ? anyPacket() : likely), rarely)
      .map(([{ packet }, change]) => {
        const wire = encodePacket(packet, version);
        if (change !== null) wire[change.at % wire.length] = change.value;
        return wire;
      });
  return fc.constantFrom<3 | 4 | 5>(3, 4, 5).chain((version) =>
    fc.record({
      version: fc.constant(version),
      isClean: fc.boolean(),
      packets: fc.array(piece(version), { maxLength: 12 }),
    })
  );
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

Deno.test("damaged and misplaced packets: every connection ends, the server goes on", async () => {
  const seed = Number(Deno.env.get("FUZZ_SEED") ?? Math.floor(Math.random() * 1e9));
  const count = Number(Deno.env.get("FUZZ_CONNECTIONS") ?? 500);
  console.log(`FUZZ_SEED=${seed}`);
  await using server = await TestBroker.start({
    limits: { packetBytesMax: 4096, retainedMessagesMax: 100, queuedMessagesMax: 20 },
  });
  const witness = await server.connect({ version: 5, clientId: "witness" });
  const scripts = fc.sample(anyScript(), { seed, numRuns: count });
  for (const [i, { version, isClean, packets }] of scripts.entries()) {
    const peer = await server.dial(version);
    peer.discard();
    const connect = encodePacket(
      connectPacket({ version, clientId: `f${i % 20}`, clean: isClean }),
      version,
    );
    const script = concat([connect, ...packets]);
    const { statistics } = server.broker;
    const seenAll = statistics.receivedBytesTotal + script.length;
    peer.raw(script);
    await until(
      () => peer.isEnded || statistics.receivedBytesTotal >= seenAll,
      "the server has read it or ended the connection",
    );
    peer.cut();
    if (i % 50 === 0) await witness.upToPing();
  }
  await witness.upToPing();
  await until(() => server.broker.connections().length === 1, `all ended, FUZZ_SEED=${seed}`);
  const faults = server.reports.filter((report) => report.kind === "internal_error");
  assert.deepEqual(faults, [], `FUZZ_SEED=${seed}`);
  server.broker.discardSessions((_principal, clientId) => clientId !== "witness");
  const { sessions, subscriptions, queuedMessages, queuedBytes } = server.broker.statistics;
  assert.deepEqual({ sessions, subscriptions, queuedMessages, queuedBytes }, {
    sessions: 1,
    subscriptions: 0,
    queuedMessages: 0,
    queuedBytes: 0,
  }, `FUZZ_SEED=${seed}`);
});
