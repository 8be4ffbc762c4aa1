/**
 * Keeps a part of the page as the server draws it now. For pages that show much and do little: the
 * markup stays in one place, and the browser needs a few lines instead of all components.
 */
import { useEffect } from "preact/hooks";
import { watchLiveState } from "./live.ts";
import { morph } from "./morph.ts";

export interface RefreshProps {
  /** Answers with a page that has the part. */
  url: string;
  /** Id of the element whose children are kept up to date. */
  part: string;
  everyMs: number;
}

export default function Refresh({ url, part, everyMs }: RefreshProps) {
  useEffect(() => {
    const element = document.getElementById(part)!;
    const unfollow = watchLiveState(({ state }) => {
      element.classList.toggle("lost", state === "lost");
    });
    let timer = setTimeout(turn, everyMs);
    return () => {
      unfollow();
      clearTimeout(timer);
    };

    async function turn(): Promise<void> {
      if (!document.hidden) await look(url, element);
      timer = setTimeout(turn, everyMs);
    }
  }, []);
  return null;
}

/** While the gateway is away the live bar says so, and what was shown stays. */
async function look(url: string, element: HTMLElement): Promise<void> {
  try {
    const response = await fetch(url);
    if (response.redirected) return location.reload(); // the session has ended
    const made = new DOMParser().parseFromString(await response.text(), "text/html");
    const now = made.getElementById(element.id);
    if (response.ok && now !== null) morph(element, now);
  } catch {
    // the next look comes
  }
}
