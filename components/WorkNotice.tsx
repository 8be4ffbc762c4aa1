import { formatNumber } from "@/components/format.ts";
import { Notice } from "@/components/Notice.tsx";
import type { Texts } from "@/components/texts.ts";

export interface EndedWork {
  kind: string;
  done: number;
  left: number;
  total: number;
  state: string;
  outcome: { message: string; hint: string } | null;
}

/** What came of long work. */
export function WorkNotice({ work, texts }: { work: EndedWork; texts: Texts }) {
  const { deadLetters } = texts;
  const { kind, done, left, total, state, outcome } = work;
  if (state !== "failed") {
    return (
      <Notice tone={left > 0 ? "warn" : "ok"}>
        {deadLetters.ended[kind]?.(done)} {left > 0 && deadLetters.left(left)}
      </Notice>
    );
  }
  return (
    <Notice tone="bad">
      <p>
        <strong>{outcome?.message}.</strong>{" "}
        {deadLetters.failed(formatNumber(done), formatNumber(total))}
      </p>
      <p>{outcome?.hint}</p>
    </Notice>
  );
}
