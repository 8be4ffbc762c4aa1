/**
 * A TCP port of the loopback interface that nobody listens on right now.
 * For servers that cannot be told "port 0"; another process may still take it first, so their
 * helpers try again with a new one when the start fails.
 */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}
