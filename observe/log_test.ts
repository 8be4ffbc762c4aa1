import assert from "node:assert/strict";
import { configureLogs, logger, printable, RepeatLimiter } from "@/observe/log.ts";

Deno.test("a log line is one JSON object, whatever a device put into it", async () => {
  const lines: string[] = [];
  await configureLogs({ level: "info", format: "json", write: (line) => lines.push(line) });
  const topic = 'a\r\n{"forged":1}\u001b[2J\u009b2J\u0085\u2028\u202e\u{e0001}\ud800';
  logger("ingest").warn("Rejected {topic}", { topic });
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines[0]!.slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
  assert.equal(JSON.parse(lines[0]!).topic, topic);
});

Deno.test("text logs escape everything that a terminal would act upon", async () => {
  const lines: string[] = [];
  await configureLogs({ level: "info", format: "text", write: (line) => lines.push(line) });
  logger("ingest").warn("Rejected", { topic: "a\u001b[2J\nb\u2028" });
  assert.match(lines[0] ?? "", /topic=a\\u001b\[2J\\u000ab\\u2028\n$/);
});

Deno.test("repeats are suppressed within a window and counted by the next line", async () => {
  const lines: string[] = [];
  let nowMs = 0;
  await configureLogs({
    level: "info",
    format: "json",
    repeatsMax: 2,
    windowMs: 1000,
    now: () => nowMs,
    write: (line) => lines.push(line),
  });
  for (let i = 0; i < 5; i++) logger("forward").error("Cannot reach {name}", { name: `n${i}` });
  assert.equal(lines.length, 2);
  nowMs = 1000;
  logger("forward").error("Cannot reach {name}", { name: "again" });
  assert.equal(JSON.parse(lines[2] ?? "").suppressed, 3);
});

Deno.test("the limiter forgets old kinds instead of growing", () => {
  const limiter = new RepeatLimiter({ repeatsMax: 1, windowMs: 1000 });
  for (let i = 0; i < 5000; i++) assert.equal(limiter.admit(`kind ${i}`, 0), 0);
  assert.equal(limiter.admit("kind 0", 0), 0);
  assert.equal(limiter.admit("kind 4999", 0), null);
});

Deno.test("printable leaves ordinary text alone", () => {
  assert.equal(printable("Grüße 26.7 °C"), "Grüße 26.7 °C");
});
