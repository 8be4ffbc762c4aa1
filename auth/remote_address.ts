/** Remote addresses as keys: what one sender can have many of must count as one. */

/** True for 127.0.0.0/8, ::1 and their IPv4-mapped forms. */
export function isLoopback(address: string): boolean {
  const plain = withoutMapping(address);
  return plain === "::1" || /^127(\.\d{1,3}){3}$/.test(plain);
}

/**
 * The key under which an address is counted: an IPv4 address itself (mapped ones too), of an IPv6
 * address its /64, since every host may choose among 2^64 of those.
 */
export function addressKey(address: string): string {
  const plain = withoutMapping(address);
  if (!plain.includes(":")) return plain;
  return expandIpv6(plain).slice(0, 4).join(":") + "::/64";
}

function withoutMapping(address: string): string {
  return address.toLowerCase().replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/, "");
}

function expandIpv6(address: string): string[] {
  const [head = "", tail = ""] = address.split("::", 2);
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const missing = Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(missing).fill("0"), ...right];
  return groups.map((group) => group.replace(/^0+(?=.)/, ""));
}
