import assert from "node:assert/strict";
import {
  filtersOverlap,
  formatAddress,
  formatDuration,
  formatSize,
  isLoopbackHost,
  parseAddress,
  parseDuration,
  parseSize,
  topicFilterProblem,
} from "@/config/values.ts";

function valueOf<T>(parsed: { value: T } | { message: string }): T | string {
  return "value" in parsed ? parsed.value : parsed.message;
}

Deno.test("durations: units, sums and what is none", () => {
  const cases: [unknown, number | string][] = [
    ["5s", 5000],
    ["7d", 604_800_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    ["2 h", 7_200_000],
    ["250ms", 250],
    ["0", 0],
    [0, 0],
    ["1w", 604_800_000],
    [5, "has no unit"],
    ["5", "is not a duration"],
    ["5 parsecs", "is not a duration"],
    ["-5s", "is not a duration"],
    ["", "is not a duration"],
    ["99999999999999d", "is not a duration"],
    [true, "is not a duration"],
  ];
  for (const [input, expected] of cases) assert.equal(valueOf(parseDuration(input)), expected);
});

Deno.test("sizes: decimal and binary units, plain bytes", () => {
  const cases: [unknown, number | string][] = [
    ["64KiB", 65_536],
    ["2GB", 2_000_000_000],
    ["1.5 MiB", 1_572_864],
    [1024, 1024],
    ["12", 12],
    ["3 XB", "is not a size"],
    [-1, "is not a size"],
    [1.5, "is not a size"],
    ["1e9", "is not a size"],
    [null, "is not a size"],
  ];
  for (const [input, expected] of cases) assert.equal(valueOf(parseSize(input)), expected);
});

Deno.test("addresses: IPv4, IPv6, names, all interfaces", () => {
  const cases: [unknown, string][] = [
    ["0.0.0.0:1883", "0.0.0.0:1883"],
    [":0", "0.0.0.0:0"],
    ["[::1]:8000", "[::1]:8000"],
    ["localhost:80", "localhost:80"],
  ];
  for (const [input, expected] of cases) {
    const parsed = parseAddress(input);
    assert.ok("value" in parsed);
    assert.equal(formatAddress(parsed.value), expected);
  }
  for (const bad of ["1883", "::1:80", "a:99999", "a b:1", "http://x:1", "", 80]) {
    assert.ok("message" in parseAddress(bad), String(bad));
  }
});

Deno.test("what is formatted reads back as the same value", () => {
  for (const ms of [0, 1, 999, 1000, 90_000, 3_600_000, 604_800_000, 86_400_001]) {
    assert.equal(valueOf(parseDuration(formatDuration(ms))), ms);
  }
  for (const bytes of [0, 1, 1000, 1024, 65_536, 2e9, 4_194_304, 123_457]) {
    assert.equal(valueOf(parseSize(formatSize(bytes))), bytes);
  }
});

Deno.test("topic filters: wildcards fill a level, # ends", () => {
  for (const good of ["#", "+", "a/+/b/#", "/", "a//b", "$SYS/#"]) {
    assert.equal(topicFilterProblem(good), null, good);
  }
  for (const bad of ["", "a#", "a/+b", "#/a", "a/#/b", "x".repeat(65_536), "a\0"]) {
    assert.notEqual(topicFilterProblem(bad), null, bad.slice(0, 10));
  }
});

Deno.test("filters overlap when one topic name matches both", () => {
  const overlapping = [["#", "iiot/#"], ["+/x", "iiot/#"], ["iiot", "iiot/#"], ["a/+/c", "a/b/+"]];
  for (const [a, b] of overlapping) {
    assert.equal(filtersOverlap(a!, b!), true, `${a} ${b}`);
    assert.equal(filtersOverlap(b!, a!), true, `${b} ${a}`);
  }
  const apart = [["devices/#", "iiot/#"], ["a/b", "a/b/c"], ["a/+", "a/b/c"]];
  for (const [a, b] of apart) assert.equal(filtersOverlap(a!, b!), false, `${a} ${b}`);
});

Deno.test("loopback hosts", () => {
  for (const host of ["localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"]) {
    assert.ok(isLoopbackHost(host), host);
  }
  for (const host of ["0.0.0.0", "example.com", "10.0.0.1", "127.0.0.1.example"]) {
    assert.ok(!isLoopbackHost(host), host);
  }
});
