import assert from "node:assert/strict";
import { StoreFullError } from "@/model/errors.ts";
import { fullness, type RoomReading, toError } from "@/store/room.ts";

const LIMITS = { queueBytesMax: 1000, freeBytesMin: 1_000_000 };

function reading(changes: Partial<RoomReading> = {}): RoomReading {
  return { freeBytes: 10_000_000, queuedBytes: 0, holder: null, writeError: null, ...changes };
}

Deno.test("room: each reason has its code, and its hint names what to do", () => {
  assert.equal(fullness(reading(), LIMITS, false), null);
  const cases: [Partial<RoomReading>, string, RegExp][] = [
    [{ writeError: "disk I/O error" }, "STO-0201", /Free space or check the storage device/],
    [{ freeBytes: 999_999 }, "STO-0202", /lower storage.free_bytes_min/],
    [{ queuedBytes: 1000 }, "STO-0203", /Raise storage.queue_bytes_max/],
    [
      { queuedBytes: 1000, holder: { name: "old", removed: true, paused: false } },
      "STO-0203",
      /"old" is no longer configured.*"destination forget"/,
    ],
    [
      { queuedBytes: 1000, holder: { name: "db", removed: false, paused: true } },
      "STO-0203",
      /"db" is paused: resume it/,
    ],
  ];
  for (const [changes, code, hint] of cases) {
    const full = fullness(reading(changes), LIMITS, false);
    assert.equal(full?.code, code);
    assert.match(full?.hint ?? "", hint);
  }
});

Deno.test("room: it must be clearly there before it is said to be there again", () => {
  const nearly = reading({ queuedBytes: 985 });
  assert.equal(fullness(nearly, LIMITS, false), null);
  assert.equal(fullness(nearly, LIMITS, true)?.code, "STO-0203");
  assert.equal(fullness(reading({ queuedBytes: 960 }), LIMITS, true), null);
  assert.equal(fullness(reading({ freeBytes: 1_010_000 }), LIMITS, true)?.code, "STO-0202");
});

Deno.test("room: unknown free space is not little free space", () => {
  assert.equal(fullness(reading({ freeBytes: null }), LIMITS, false), null);
});

Deno.test("room: becomes the error that makes sources stop", () => {
  const full = fullness(reading({ queuedBytes: 5000 }), LIMITS, false);
  assert(full !== null);
  const error = toError(full);
  assert(error instanceof StoreFullError);
  assert.deepEqual([error.code, error.retryAfterSeconds], ["STO-0203", 5]);
});
