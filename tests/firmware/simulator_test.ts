/**
 * `sluice simulate` stands for the real boards: both firmware nodes, run in emulators, measure the
 * simulator's own climate and must tell the gateway what the simulated receiver tells it.
 */
import assert from "node:assert/strict";
import { Climate, ReceiverModel, seededRandom } from "@/cli/simulate_models.ts";
import { RadioBench } from "./radio_bench.ts";

const SEED = 7;
const NOON_MS = Date.UTC(2026, 5, 21, 12);

/** The numbers of a simulated receiver's packet, and the two climates that it has drawn them from. */
function simulated() {
  const [message] = new ReceiverModel("N2", seededRandom(SEED)).next(NOON_MS);
  const random = seededRandom(SEED);
  const climates = { node1: new Climate(random), node2: new Climate(random) };
  random(); // whether the radio failed
  return {
    packet: JSON.parse(message!.payload),
    node1: climates.node1.at(NOON_MS),
    node2: climates.node2.at(NOON_MS),
  };
}

Deno.test("the boards in the simulator's climate tell what the simulator tells", async () => {
  const { packet, node1, node2 } = simulated();
  await using bench = await RadioBench.start({
    prepare: ({ node1: remote, node2: receiver }) => {
      remote.sht3x.onMeasure = () => {};
      remote.sht3x.celsius = node1.temperature;
      remote.sht3x.humidity = node1.humidity;
      receiver.sht3x.celsius = node2.temperature;
      receiver.sht3x.humidity = node2.humidity;
    },
  });
  bench.node1.type("sample");
  await bench.changes.until(() => bench.node2.packets().length > 0, "the packet is told");
  const [told] = bench.node2.packets();
  assert.ok(told !== undefined);
  assert.equal(told.id, packet.id);
  assert.equal(told.n1.t, packet.n1.t);
  assert.equal(told.n1.h.toFixed(1), packet.n1.h.toFixed(1));
  assert.equal(told.n2.t, packet.n2.t);
  assert.equal(told.n2.h?.toFixed(1), packet.n2.h.toFixed(1));
  for (const part of ["n1", "n2", "sig", "sts"] as const) {
    const missing: string[] = Object.keys(packet[part]).filter((key) => !(key in told[part]));
    assert.deepEqual(missing, [], `${part}: the simulator sends what no board does`);
  }
});
