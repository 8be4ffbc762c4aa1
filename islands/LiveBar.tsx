/** Tells whether the page is live, keeps relative times true, and tells the server the time zone. */
import { useEffect } from "preact/hooks";
import { formatAge, formatTime } from "@/components/format_moment.ts";
import { follow, useLiveState } from "./live.ts";

const AGES_MS = 1_000;

export interface LiveBarProps {
  words: {
    live: string;
    connecting: string;
    lostTitle: string;
    lostSince: string;
    lostHint: string;
  };
  /** IANA name. */
  timeZone: string;
}

export default function LiveBar({ words, timeZone }: LiveBarProps) {
  useEffect(() => {
    rememberTimeZone();
    const timer = setInterval(showAges, AGES_MS);
    const unfollow = follow({});
    return () => {
      clearInterval(timer);
      unfollow();
    };
  }, []);
  const { state, lastMs } = useLiveState();
  if (state === "lost") {
    return (
      <div class="live-bar lost" role="alert">
        <strong>{words.lostTitle}</strong>
        {` ${words.lostSince} ${formatTime(lastMs, timeZone)}. ${words.lostHint}`}
      </div>
    );
  }
  return (
    <div class={`live-bar ${state}`} role="status">
      <span class="dot" /> {state === "live" ? words.live : words.connecting}
    </div>
  );
}

function showAges(): void {
  const now = Date.now();
  for (const element of document.querySelectorAll<HTMLElement>("time[data-age]")) {
    const text = formatAge(Number(element.dataset.age), now);
    if (element.textContent !== text) element.textContent = text;
  }
}

/** The server renders the next page by it; a zone that somebody chose stays. */
function rememberTimeZone(): void {
  if (/(?:^|; )sluice_tz=/.test(document.cookie)) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  document.cookie = `sluice_tz=${encodeURIComponent(zone)}; Path=/; SameSite=Lax; Max-Age=31536000`;
}
