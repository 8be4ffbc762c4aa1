/**
 * A TCP port of the loopback interface that nobody listens on right now.
 * For servers that cannot be told "port 0"; another process may still take it first: `onFreePort`
 * tries again then.
 */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

const ATTEMPTS_MAX = 5;

/** Starts a server on a free port; tries others when it does not come up. */
export async function onFreePort(start: (port: number) => Promise<void>): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await start(freePort());
    } catch (error) {
      if (attempt === ATTEMPTS_MAX) throw error;
    }
  }
}
