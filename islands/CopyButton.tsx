/** Copies the text of an element; shown only where scripts run. */
import { useEffect, useState } from "preact/hooks";

export interface CopyButtonProps {
  /** Id of the element. */
  target: string;
  copy: string;
  copied: string;
  /** Says what is copied, for those who do not see what stands beside. */
  label: string;
}

const THANKS_MS = 2_000;

export default function CopyButton({ target, copy, copied, label }: CopyButtonProps) {
  const [state, setState] = useState<"hidden" | "ready" | "copied">("hidden");
  useEffect(() => setState("ready"), []);
  useEffect(() => {
    if (state !== "copied") return;
    const timer = setTimeout(() => setState("ready"), THANKS_MS);
    return () => clearTimeout(timer);
  }, [state]);
  if (state === "hidden") return null;
  const act = async () => {
    if (await copyTextOf(target)) setState("copied");
  };
  return (
    <button type="button" class="button copy" onClick={act} aria-label={label}>
      <span aria-live="polite">{state === "copied" ? copied : copy}</span>
    </button>
  );
}

/** The clipboard is closed to pages that came over plain HTTP: then by a selection, as by hand. */
async function copyTextOf(id: string): Promise<boolean> {
  const element = document.getElementById(id);
  if (element === null) return false;
  try {
    await navigator.clipboard.writeText(element.textContent ?? "");
    return true;
  } catch {
    getSelection()?.selectAllChildren(element);
    return document.execCommand("copy");
  }
}
