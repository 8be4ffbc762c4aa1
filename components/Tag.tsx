import type { ComponentChildren } from "preact";

/** How much a state wants attention; never told by colour alone, the tag's words say it too. */
export type Tone = "ok" | "warn" | "bad" | "idle";

export function Tag({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`tag ${tone}`}>{children}</span>;
}
