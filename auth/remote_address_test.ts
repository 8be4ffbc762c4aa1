import assert from "node:assert/strict";
import { addressKey } from "@/auth/remote_address.ts";

Deno.test("one sender is one key: IPv4 by address, mapped too, IPv6 by its /64", () => {
  const cases: [string, string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:0db8:0000:0000:0001::9", "2001:db8:0:0::/64"],
    ["2001:db8:0:1::1", "2001:db8:0:1::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["local", "local"],
  ];
  for (const [address, key] of cases) assert.equal(addressKey(address), key, address);
});
