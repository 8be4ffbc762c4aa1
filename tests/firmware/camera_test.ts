/**
 * Node 3 as the real ELF in the emulator: pictures in, results through a Wi-Fi modem to a
 * broker.
 */
import assert from "node:assert/strict";
import { BUDGETS, INFERENCE_INSTRUCTIONS_BUDGET, PASS_US_BUDGET } from "../../firmware/budget.ts";
import { CameraBench, ICOUNT_SHIFT, type ToldResult } from "./camera_bench.ts";
import { infer, parseModel, scoreOf } from "../../firmware/model/int8.ts";
import { Random } from "../../firmware/model/random.ts";
import { drawPicture, drawPictures } from "../../firmware/model/silhouettes.ts";
import {
  openMosquitto,
  type OpenPredictionSink,
  type StoredPrediction,
} from "./prediction_sink.ts";

const MODEL = parseModel(
  await Deno.readTextFile(new URL("../../firmware/model/model.jsonl", import.meta.url)),
);

/** What the node must say of these pictures, computed by the reference. */
function expected(pictures: { pixels: Int8Array }[]): Omit<ToldResult, "us" | "waiting">[] {
  const scores: number[] = [];
  let person = false;
  return pictures.map(({ pixels }, index) => {
    const logits = infer(MODEL, pixels);
    const score = scoreOf(MODEL, logits);
    scores.push(score);
    const window = scores.slice(-5);
    const sum = window.reduce((total, value) => total + value, 0);
    const avg = Math.floor((sum + (window.length >> 1)) / window.length);
    person = avg >= (person ? 4000 : 6000);
    return { seq: index + 1, logits, score, avg, person: person ? 1 : 0 };
  });
}

function checkStored(stored: StoredPrediction[], wanted: ReturnType<typeof expected>): void {
  assert.equal(stored.length, wanted.length);
  stored.forEach((result, index) => {
    const want = wanted[index]!;
    assert.equal(result.seq, want.seq);
    assert.deepEqual([result.debug.z0, result.debug.z1], want.logits);
    assert.deepEqual([result.score, result.avg], [want.score / 10000, want.avg / 10000]);
    assert.equal(result.label, want.person ? "person" : "empty");
    assert.equal(result.model, MODEL.name);
  });
}

/** 500 pictures; Wi-Fi goes away twice and the broker dies once; all results rest in the sink. */
async function troubledRun(openSink: OpenPredictionSink): Promise<void> {
  const pictures = drawPictures(77, 500);
  await using sink = await openSink("node3");
  await using bench = await CameraBench.start(sink.address);
  const began = Date.now();
  // Each trouble waits until the one before is over, so that none hides behind another.
  const troubles: Record<number, () => Promise<void> | void> = {
    80: () => bench.modem.setAir(false),
    140: () => bench.modem.setAir(true),
    220: () => sink.until(220).then(() => sink.kill()),
    280: () => sink.restart(),
    340: () => sink.until(340).then(() => bench.modem.setAir(false)),
    400: () => bench.modem.setAir(true),
  };
  for (const [index, { pixels }] of pictures.entries()) {
    await troubles[index]?.();
    await bench.show(pixels);
  }
  await sink.until(500);
  const stored = await sink.stored();
  checkStored(stored, expected(pictures));
  for (const { ts } of stored) assert.ok(ts! >= began - 2000 && ts! <= Date.now() + 2000);
  const stats = await bench.settled();
  assert.deepEqual([stats.inferences, stats.confirmed, stats.dropped], [500, 500, 0]);
  assert.deepEqual([stats.damaged_frames, stats.storage_failures, stats.refused], [0, 0, 0]);
  assert.ok(stats.lost! >= 3 && bench.modem.connects >= 4);
  assert.ok(Math.max(...bench.told().map((result) => result.waiting)) > 50);
  // Virtual time counts instructions, so these are bounds on work, not on this machine's speed.
  assert.ok(stats.pass_us_max! <= PASS_US_BUDGET, `longest pass ${stats.pass_us_max} us`);
  const instructions = stats.infer_us_max! * 1000 / 2 ** ICOUNT_SHIFT;
  console.log(`worst inference ${instructions} instructions, longest pass ${stats.pass_us_max} us`);
  assert.ok(instructions <= INFERENCE_INSTRUCTIONS_BUDGET);
  assert.ok(stats.stack! <= BUDGETS[3].stack, `stack ${stats.stack}`);
}

Deno.test("500 results survive two Wi-Fi losses and a dead broker, each once and bit-exact", () =>
  troubledRun(openMosquitto));

Deno.test("a reset and a power cut in the middle continue the queue", async () => {
  const pictures = drawPictures(78, 60);
  await using sink = await openMosquitto("node3");
  await using bench = await CameraBench.start(sink.address);
  for (const { pixels } of pictures.slice(0, 10)) await bench.show(pixels);
  await sink.until(10);
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
