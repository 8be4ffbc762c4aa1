/**
 * Parts of a page that the server renders (`data-part`) are fetched with the page anew, while somebody
 * looks: charts go on and new lines appear, without drawing them a second time in the browser.
 */
const PERIOD_MS = 60_000;

/**
 * Starts it; the returned functions end it, and ask for new parts sooner. `onRenewed` shows again what
 * is newer than the server's history, which follows the log within a second or so.
 */
export function keepFresh(
  onRenewed: () => void,
): { stop: () => void; soon: (inMs: number) => void } {
  let timer: ReturnType<typeof setTimeout>;
  let dueMs = Infinity;
  const soon = (inMs: number) => {
    const atMs = Date.now() + inMs;
    if (atMs >= dueMs) return;
    dueMs = atMs;
    clearTimeout(timer);
    timer = setTimeout(renew, inMs);
  };
  const renew = async () => {
    dueMs = Infinity;
    soon(PERIOD_MS);
    if (document.hidden) return;
    // What is not this page, an error or the sign-in, has no such parts.
    const response = await fetch(location.href).catch(() => null);
    if (response === null) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const old of document.querySelectorAll("[data-part]")) {
      const part = page.querySelector(`[data-part="${old.getAttribute("data-part")}"]`);
      // What somebody is about to use stays where it is, and a part of parts leaves it to them.
      const isKept = old.contains(document.activeElement) || old.querySelector("[data-part]");
      if (part === null || isKept) continue;
      const details = old.querySelectorAll("details");
      part.querySelectorAll("details").forEach((each, i) =>
        each.open = details[i]?.open ?? each.open
      );
      old.replaceWith(part);
    }
    onRenewed();
  };
  soon(PERIOD_MS);
  return { stop: () => clearTimeout(timer), soon };
}
