/** A burst of samples from node 1 over the radio and node 2 into whatever reads its port. */
import assert from "node:assert/strict";
import { BUDGETS } from "../../firmware/budget.ts";
import { RadioBench, upTo } from "./radio_bench.ts";
import type { OpenSerialSink, SerialSink } from "./serial_sink.ts";

/** Samples until the first one is stored: what a port says before it is opened is nobody's. */
async function waitUntilConnected(bench: RadioBench, sink: SerialSink): Promise<void> {
  for (;;) {
    await bench.changes.until(() => bench.node1.modem.asleep, "the link is at rest");
    if ((await sink.stored("humidity")).length > 0) return;
    const commands = bench.node1.modem.commands.length;
    bench.node1.type("sample");
    await bench.changes.until(() => bench.node1.modem.commands.length > commands, "a sample");
  }
}

/** 300 samples in a burst; all must rest in the sink, once and in order. */
export async function burstInto(openSink: OpenSerialSink): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "fw" });
  const ptyLink = `${folder}/vcp`;
  {
    await using bench = await RadioBench.start({ ptyLink });
    await using sink = await openSink(ptyLink);
    bench.node1.type("interval 3600");
    await waitUntilConnected(bench, sink);
    const before = bench.samples;
    bench.node1.type("burst 300");
    await sink.until((before + 300) / 100);
    const humidity = (await sink.stored("humidity")).map((value) => Math.round(value * 100));
    assert.deepEqual(humidity.slice(-300), upTo(before + 300).slice(-300));
    assert.equal(new Set(humidity).size, humidity.length);
    assert.equal((await sink.stored("gas_resistance")).length, humidity.length);
    const stats = await bench.node1.stats();
    assert.equal(stats.retries, 0);
    assert.ok(stats.stack! <= BUDGETS[1].stack, `stack ${stats.stack}`);
  }
  await Deno.remove(folder, { recursive: true });
}
