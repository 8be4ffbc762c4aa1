import assert from "node:assert/strict";
import fc from "fast-check";
import { DuplicateWindow, messageHash, WINDOW_ENTRIES } from "@/store/duplicate_window.ts";

/** A window whose blocks are stored as the database would; `reload` forgets the memory. */
class StoredWindow {
  readonly #blocks: Map<number, Uint8Array> = new Map();
  window = this.#open({ position: 0, highest: -Infinity });

  #open(state: { position: number; highest: number }): DuplicateWindow {
    return new DuplicateWindow(state, (block) => this.#blocks.get(block) ?? null);
  }

  save(): void {
    for (const { block, entries } of this.window.dirtyBlocks()) {
      this.#blocks.set(block, entries.slice());
    }
    this.window.saved();
  }

  reload(): void {
    this.save();
    const { position, highest } = this.window;
    this.window = this.#open({ position, highest });
  }
}

Deno.test("duplicate window: holds the last 4096 numbered messages, over saves and reloads", () => {
  const step = fc.record({
    seq: fc.oneof(fc.nat(50), fc.nat(5000), fc.constant(65_535)),
    hash: fc.nat(2),
    act: fc.constantFrom("none", "none", "none", "save", "reload"),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 400 }),
      fc.integer({ min: 0, max: 5000 }),
      (steps, fill) => {
        const stored = new StoredWindow();
        const model: string[] = [];
        const enter = (seq: number, hash: number) => {
          const key = `${seq} ${hash}`;
          const known = model.slice(-WINDOW_ENTRIES).includes(key);
          assert.equal(stored.window.enter(seq, hash), known, key);
          if (!known) model.push(key);
        };
        for (let i = 0; i < fill; i++) {
          // filled without asking: the fast path is checked by the steps below
          stored.window.record(i, 7);
          model.push(`${i} 7`);
        }
        for (const { seq, hash, act } of steps) {
          enter(seq, hash);
          if (act === "save") stored.save();
          if (act === "reload") stored.reload();
        }
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("duplicate window: a sender that starts again with 1 loses nothing", () => {
  const window = new DuplicateWindow({ position: 0, highest: -Infinity }, () => null);
  for (let seq = 1; seq <= 300; seq++) assert.equal(window.enter(seq, seq * 3), false);
  for (let seq = 1; seq <= 300; seq++) assert.equal(window.enter(seq, seq * 5), false);
  for (let seq = 1; seq <= 300; seq++) assert.equal(window.enter(seq, seq * 5), true);
});

Deno.test("duplicate window: an entry leaves with the 4096th after it", () => {
  const window = new DuplicateWindow({ position: 0, highest: -Infinity }, () => null);
  window.enter(10, 1);
  for (let i = 0; i < WINDOW_ENTRIES - 1; i++) window.enter(100 + i, 1);
  assert.equal(window.enter(10, 1), true);
  window.enter(9000, 1);
  assert.equal(window.enter(10, 1), false);
});

Deno.test("duplicate window: keeps one block in memory after a save", () => {
  const window = new DuplicateWindow({ position: 0, highest: -Infinity }, () => null);
  for (let i = 0; i < WINDOW_ENTRIES; i++) window.enter(i, 1);
  assert.equal(window.blocksInMemory, 64);
  window.saved();
  assert(window.blocksInMemory <= 1);
  assert.equal(window.isDirty, false);
});

Deno.test("message hash: differs by payload, by time and by its nanoseconds, fits 53 bits", () => {
  const base = messageHash(`{"t":1}`, 1_767_225_600_000_000, 0);
  const others = [
    messageHash(`{"t":2}`, 1_767_225_600_000_000, 0),
    messageHash(`{"t":1}`, 1_767_225_600_000_001, 0),
    messageHash(`{"t":1}`, 1_767_225_600_000_000, 1),
    messageHash(`{"t":1}`, null, 0),
    messageHash(`{"t":1} `, 1_767_225_600_000_000, 0),
  ];
  assert(others.every((hash) => hash !== base));
  fc.assert(fc.property(fc.string(), fc.option(fc.maxSafeNat()), fc.nat(999), (text, us, ns) => {
    const hash = messageHash(text, us, ns);
    assert(Number.isSafeInteger(hash) && hash >= 0);
    assert.equal(messageHash(text, us, ns), hash);
  }));
});

Deno.test("message hash: 200 000 similar payloads do not collide", () => {
  const seen = new Set<number>();
  for (let i = 0; i < 200_000; i++) seen.add(messageHash(`{"seq":${i},"t":${i % 7}}`, 1000 + i, 0));
  assert.equal(seen.size, 200_000);
});
