import assert from "node:assert/strict";
import { HttpError, TransientError } from "@/model/errors.ts";
import { WorkBoard } from "@/routes/work_board.ts";

const ABOUT = { kind: "purge", subject: "postgres", by: "ada", total: 3 } as const;

function boardAt(nowMs: number): WorkBoard {
  return new WorkBoard({ now: () => nowMs });
}

Deno.test("work tells how far it is while it runs, and what came of it", async () => {
  const board = boardAt(5);
  const gate = Promise.withResolvers<void>();
  const { id } = board.start(ABOUT, async (step) => {
    step.add(2, { left: 1 });
    await gate.promise;
    step.add(1);
    step.end({ ok: true, message: "all gone", hint: "" });
  });
  const { done, left, state } = board.get(id)!;
  assert.deepEqual({ done, left, state }, { done: 2, left: 1, state: "running" });
  gate.resolve();
  await board.settled(id, 30_000);
  assert.equal(board.get(id)?.state, "done");
  assert.equal(board.get(id)?.done, 3);
  assert.equal(board.get(id)?.endedAtMs, 5);
});

Deno.test("work that throws has failed with the error's own words", async () => {
  const board = boardAt(0);
  const { id } = board.start(
    ABOUT,
    () => Promise.reject(new TransientError("Cannot reach it", { code: "X-1", hint: "start it" })),
  );
  await board.settled(id, 30_000);
  const outcome = { ok: false, message: "Cannot reach it", hint: "start it" };
  assert.deepEqual(board.get(id)?.outcome, outcome);
  assert.equal(board.get(id)?.state, "failed");
});

Deno.test("what is running and what is remembered is bounded", async () => {
  const board = boardAt(0);
  const gate = Promise.withResolvers<void>();
  for (let i = 0; i < 8; i++) board.start(ABOUT, () => gate.promise);
  assert.throws(() => board.start(ABOUT, () => gate.promise), HttpError);
  gate.resolve();
  await board.stop();
  for (let i = 0; i < 80; i++) {
    const { id } = board.start({ ...ABOUT, total: i }, () => Promise.resolve());
    await board.settled(id, 30_000);
  }
  assert.equal(board.list().length <= 51, true);
  assert.equal(board.list()[0]?.total, 79);
});

Deno.test("a stop tells running work, and waits for its step", async () => {
  const board = boardAt(0);
  const { id } = board.start(
    ABOUT,
    (step) => new Promise((resolve) => step.signal.addEventListener("abort", () => resolve())),
  );
  await board.stop();
  assert.equal(board.get(id)?.state, "done");
});
