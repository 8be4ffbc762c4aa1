/**
 * Node 3 as the real ELF in the emulator: pictures in, results through a Wi-Fi modem to a
 * broker.
 */
import assert from "node:assert/strict";
import { CameraBench } from "./camera_bench.ts";
import { MODEL } from "./camera_scenario.ts";
import { infer } from "../../firmware/model/int8.ts";
import { Random } from "../../firmware/model/random.ts";
import { drawPicture, drawPictures } from "../../firmware/model/silhouettes.ts";
import { openMosquitto } from "./prediction_sink.ts";

Deno.test("a reset and a power cut in the middle continue the queue", async () => {
  const pictures = drawPictures(78, 60);
  await using sink = await openMosquitto("node3");
  await using bench = await CameraBench.start(sink.address);
  for (const { pixels } of pictures.slice(0, 10)) await bench.show(pixels);
  await sink.until(10);
  await bench.settled(); // stored is not yet confirmed: the last PUBACK may be on its way
  bench.modem.setAir(false);
  for (const { pixels } of pictures.slice(10, 30)) await bench.show(pixels);
  const boots = bench.boots();
  bench.type("reset");
  await bench.changes.until(() => bench.boots() > boots, "the boot after the reset");
  assert.equal((await bench.show(pictures[30]!.pixels)).seq, 31);
  for (const { pixels } of pictures.slice(31, 45)) await bench.show(pixels);
  await bench.powerOff();
  await bench.powerOn();
  assert.equal((await bench.stats()).waiting, 35);
  bench.modem.setAir(true);
  for (const { pixels } of pictures.slice(45)) await bench.show(pixels);
  await sink.until(60);
  const stored = await sink.stored();
  assert.deepEqual(stored.map(({ seq }) => seq), pictures.map((_, index) => index + 1));
  stored.forEach(({ debug }, index) =>
    assert.deepEqual([debug.z0, debug.z1], infer(MODEL, pictures[index]!.pixels))
  );
  const settled = await bench.settled();
  assert.deepEqual([settled.waiting, settled.dropped, settled.damaged], [0, 0, 0]);
});

Deno.test("damaged and unchanged pictures cause no result", async () => {
  const random = new Random(79);
  const first = drawPicture(random), second = drawPicture(random);
  await using sink = await openMosquitto("node3");
  await using bench = await CameraBench.start(sink.address);
  await bench.show(first.pixels);
  for (let copy = 0; copy < 10; copy++) bench.send(first.pixels);
  bench.sendDamaged(second.pixels);
  const result = await bench.show(second.pixels);
  assert.equal(result.seq, 2);
  const stats = await bench.stats();
  assert.deepEqual([stats.unchanged, stats.damaged_frames, stats.inferences], [10, 1, 2]);
  // The device still shows that it lives: after 30 equal pictures one is looked at.
  for (let copy = 0; copy < 31; copy++) bench.send(second.pixels);
  await bench.changes.until(() => bench.told().length === 3, "a sign of life");
});

Deno.test("without a network the oldest results give way and are counted", async () => {
  const pictures = drawPictures(80, 520);
  await using bench = await CameraBench.start({ hostname: "127.0.0.1", port: 1 });
  bench.modem.setAir(false);
  for (const { pixels } of pictures) await bench.show(pixels);
  const stats = await bench.stats();
  assert.deepEqual([stats.waiting, stats.dropped, stats.inferences], [512, 8, 520]);
});

Deno.test("secrets are kept, used and never shown", async () => {
  await using bench = await CameraBench.start({ hostname: "127.0.0.1", port: 1 });
  await bench.typeAll(["set secret s3cret", "save"]);
  await bench.powerOff();
  await bench.powerOn();
  const shown = await bench.ask("show", /^settings /);
  assert.match(shown, /broker=gateway.local:1883/);
  assert.match(shown, /wifi_password=\*\*\* .*secret=\*\*\*$/);
  assert.ok(!bench.lines.some((line) => line.includes("s3cret")));
  await bench.ask("set device no/slash", /not set/);
  await bench.ask("set broker :1883", /not set/);
});
