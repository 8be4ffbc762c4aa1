/** How far long work is; leads on when it has ended. */
import { useEffect, useState } from "preact/hooks";
import { formatNumber } from "@/components/format.ts";

const POLL_MS = 700;

export interface WorkProgressProps {
  work: { done: number; total: number; state: string };
  /** Answers with the same as JSON. */
  url: string;
  /** Where the outcome is shown. */
  doneUrl: string;
  /** `{done}` of `{total}` */
  words: { progress: string; label: string };
}

export default function WorkProgress({ work, url, doneUrl, words }: WorkProgressProps) {
  const [shown, show] = useState(work);
  useEffect(() => {
    if (shown.state !== "running") return;
    const timer = setTimeout(() => void look(), POLL_MS);
    return () => clearTimeout(timer);

    /** While the gateway does not answer, the live bar says so, and the next look comes. */
    async function look(): Promise<void> {
      const now = await ask(url);
      if (now !== null && now.state !== "running") location.replace(doneUrl);
      else show({ ...shown, ...now });
    }
  }, [shown]);
  const { done, total } = shown;
  const text = words.progress.replace("{done}", formatNumber(done))
    .replace("{total}", formatNumber(total));
  return (
    <p class="work-progress">
      <progress max={Math.max(1, total)} value={done} aria-label={words.label} /> {text}
    </p>
  );
}

async function ask(url: string): Promise<WorkProgressProps["work"] | null> {
  try {
    const response = await fetch(url);
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
