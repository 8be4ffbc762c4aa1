/**
 * Sets headers on an answer, on a copy where the original's are immutable (a redirect, a fetched
 * answer). With `keep` a header that is already there stays. A protocol switch is left alone:
 * the runtime knows that object by identity.
 */
export function setHeaders(
  response: Response,
  headers: Record<string, string>,
  { keep = false } = {},
): Response {
  if (response.status === 101) return response;
  const missing = Object.entries(headers).filter(([name]) => !keep || !response.headers.has(name));
  try {
    for (const [name, value] of missing) response.headers.set(name, value);
    return response;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const copy = new Response(response.body, response);
    for (const [name, value] of missing) copy.headers.set(name, value);
    return copy;
  }
}
