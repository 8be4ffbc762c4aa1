import assert from "node:assert/strict";
import fc from "fast-check";
import type { TopicGrant } from "@/auth/auth_store.ts";
import {
  type AnonymousPolicy,
  covers,
  DeviceAccess,
  isGrantFilter,
  isLoopback,
} from "@/auth/device_access.ts";
import { filterMatches } from "@/mqtt/topic_filter.ts";

function access(policy: AnonymousPolicy, credentials = false): DeviceAccess {
  return new DeviceAccess({ policy: () => policy, credentialsExist: () => credentials });
}

Deno.test("anonymous senders: the loopback rule of the contract", () => {
  const local = { remoteAddress: "127.0.0.1", forwarded: false };
  const cases: [AnonymousPolicy, boolean, typeof local, boolean][] = [
    ["auto", false, local, true],
    ["auto", false, { ...local, remoteAddress: "::1" }, true],
    ["auto", false, { ...local, remoteAddress: "::ffff:127.0.0.1" }, true],
    ["auto", false, { ...local, forwarded: true }, false],
    ["auto", false, { ...local, remoteAddress: "192.168.1.7" }, false],
    ["auto", true, local, false],
    ["always", true, { ...local, remoteAddress: "192.168.1.7" }, true],
    ["never", false, local, false],
  ];
  for (const [policy, credentials, approach, admitted] of cases) {
    const principal = access(policy, credentials).admitAnonymous(approach);
    assert.equal(principal !== null, admitted, JSON.stringify([policy, credentials, approach]));
  }
});

Deno.test("a device uses its own subtrees and nothing beside them", () => {
  const device = { deviceId: "press-4" };
  const rules = access("auto");
  for (const topic of ["devices/press-4/telemetry", "device/press-4/stats", "gateways/press-4/#"]) {
    assert.equal(rules.allows(device, "publish", topic), true, topic);
  }
  const foreign = [
    "devices/press-5/telemetry",
    "devices/+/telemetry",
    "devices/#",
    "#",
    "iiot/a/b",
  ];
  for (const topic of [...foreign, "devices", "$SYS/x", "$share/g/devices/press-5/#"]) {
    assert.equal(rules.allows(device, "subscribe", topic), false, topic);
  }
});

Deno.test("nobody publishes below $", () => {
  assert.equal(access("always").allows({ deviceId: null }, "publish", "$SYS/broker/x"), false);
  assert.equal(access("always").allows({ deviceId: null }, "subscribe", "$SYS/#"), true);
});

Deno.test("loopback is loopback, not what looks like it", () => {
  for (const address of ["127.0.0.1.evil.example", "1127.0.0.1", "10.0.0.1", "::2", ""]) {
    assert.equal(isLoopback(address), false, address);
  }
});

Deno.test("an anonymous sender is no web page: any site reaches loopback by WebSocket", () => {
  const local = { remoteAddress: "127.0.0.1", forwarded: false };
  assert.equal(access("auto").admitAnonymous({ ...local, fromPage: true }), null);
  assert.notEqual(access("always").admitAnonymous({ ...local, fromPage: true }), null);
  assert.equal(access("auto").anonymousOpen, true);
  assert.equal(access("auto", true).anonymousOpen, false);
  assert.equal(access("never").anonymousOpen, false);
});

Deno.test("ids that are the beginning of others own nothing of theirs", () => {
  const rules = access("never");
  const device = { deviceId: "press" };
  for (
    const topic of ["devices/press-4/x", "devices/pressure", "devices/Press/x", "xdevices/press"]
  ) {
    assert.equal(rules.allows(device, "publish", topic), false, topic);
  }
  for (
    const topic of ["devices/press", "devices/press/", "devices/press/a/b/c", "device/press/+"]
  ) {
    assert.equal(rules.allows(device, "subscribe", topic), true, topic);
  }
});

Deno.test("grants open what they say, in the direction that they say, and hold at once", () => {
  let grants: TopicGrant[] = [{ action: "subscribe", filter: "factory/+/orders/#" }];
  const rules = new DeviceAccess({
    policy: () => "never",
    credentialsExist: () => true,
    grantsOf: () => grants,
  });
  const device = { deviceId: "press-4" };
  assert.equal(rules.allows(device, "subscribe", "factory/a/orders/#"), true);
  assert.equal(rules.allows(device, "receive", "factory/a/orders/7/state"), true);
  assert.equal(rules.allows(device, "publish", "factory/a/orders/7"), false);
  assert.equal(rules.allows(device, "subscribe", "factory/#"), false);
  assert.equal(rules.allows(device, "subscribe", "#"), false);
  grants = [{ action: "publish", filter: "#" }];
  assert.equal(rules.allows(device, "receive", "factory/a/orders/7"), false);
  assert.equal(rules.allows(device, "publish", "factory/a/orders/7"), true);
  assert.equal(rules.allows(device, "will", "factory/a/orders/7"), true);
  assert.equal(rules.allows(device, "publish", "$SYS/broker/x"), false);
  grants = [{ action: "subscribe", filter: "#" }];
  assert.equal(rules.allows(device, "subscribe", "$SYS/#"), false);
  grants = [{ action: "subscribe", filter: "$SYS/#" }];
  assert.equal(rules.allows(device, "subscribe", "$SYS/broker/clients/#"), true);
});

const SEED = Date.now() & 0x7fffffff;

Deno.test(`what a grant covers, it matches (seed ${SEED})`, () => {
  const level = fc.constantFrom("a", "b", "", "$x");
  const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"))
    .filter((text) => text !== "");
  const filter = fc.tuple(
    fc.array(fc.oneof(level, fc.constant("+")), { minLength: 0, maxLength: 4 }),
    fc.boolean(),
  ).map(([levels, rest]) => [...levels, ...rest ? ["#"] : []].join("/"))
    .filter((text) => text !== "");
  const property = fc.property(filter, filter, topic, (granted, wanted, name) => {
    assert.equal(covers(granted, name), filterMatches(granted, name), `${granted} on ${name}`);
    if (covers(granted, wanted) && filterMatches(wanted, name)) {
      assert(filterMatches(granted, name), `${granted} covers ${wanted} but not ${name}`);
    }
  });
  fc.assert(property, { seed: SEED, numRuns: 20_000 });
});

Deno.test("filters that may be granted", () => {
  for (const filter of ["a", "a/b", "+", "#", "a/+/b/#", "$SYS/#", "/", "a//b"]) {
    assert.equal(isGrantFilter(filter), true, filter);
  }
  const bad = ["", "a#", "#/a", "a+", "+a/b", "a\u0000b", "a\nb", "$share/g/a", "x".repeat(257)];
  for (const filter of bad) assert.equal(isGrantFilter(filter), false, filter);
});
