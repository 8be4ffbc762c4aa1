/**
 * Parts of a page that the server renders (`data-part`) are fetched with the page anew, while somebody
 * looks: charts go on and new lines appear, without drawing them a second time in the browser.
 */
const PERIOD_MS = 60_000;

/** Starts it; the returned functions end it, and ask for new parts now. */
export function keepFresh(): { stop: () => void; soon: (inMs: number) => void } {
  let timer: ReturnType<typeof setTimeout>;
  const soon = (inMs: number) => {
    clearTimeout(timer);
    timer = setTimeout(renew, inMs);
  };
  const renew = async () => {
    soon(PERIOD_MS);
    if (document.hidden) return;
    const response = await fetch(location.href).catch(() => null);
    if (response?.ok !== true || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const old of document.querySelectorAll("[data-part]")) {
      const part = page.querySelector(`[data-part="${old.getAttribute("data-part")}"]`);
      // What somebody is about to use stays where it is.
      if (part !== null && !old.contains(document.activeElement)) old.replaceWith(part);
    }
  };
  soon(PERIOD_MS);
  return { stop: () => clearTimeout(timer), soon };
}
