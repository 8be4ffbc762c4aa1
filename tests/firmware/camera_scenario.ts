/** 500 pictures for node 3, and every trouble on the way of its results. */
import assert from "node:assert/strict";
import { BUDGETS, INFERENCE_INSTRUCTIONS_BUDGET, PASS_US_BUDGET } from "../../firmware/budget.ts";
import { infer, parseModel, scoreOf } from "../../firmware/model/int8.ts";
import { drawPictures } from "../../firmware/model/silhouettes.ts";
import { CameraBench, ICOUNT_SHIFT, type ToldResult } from "./camera_bench.ts";
import type { OpenPredictionSink, StoredPrediction } from "./prediction_sink.ts";

export const MODEL = parseModel(
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
export async function troubledRun(openSink: OpenPredictionSink): Promise<void> {
  const pictures = drawPictures(77, 500);
  await using sink = await openSink("node3");
  await using bench = await CameraBench.start(sink.address, sink.secret);
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
