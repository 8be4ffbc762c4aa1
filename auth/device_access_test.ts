import assert from "node:assert/strict";
import { type AnonymousPolicy, DeviceAccess, isLoopback } from "@/auth/device_access.ts";

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
