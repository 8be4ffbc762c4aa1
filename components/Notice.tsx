import type { ComponentChildren } from "preact";
import type { Tone } from "@/components/Tag.tsx";

/** A line that stands above the content: a warning, or what was just done (`role="status"`). */
export function Notice({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>{children}</div>;
}

/** What failed, why, and what to do; the shape of every error of the gateway. */
export interface ShownProblem {
  message: string;
  hint: string;
  code: string;
}

export function ProblemNotice({ problem }: { problem: ShownProblem }) {
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{problem.message}</strong> <code class="sub">{problem.code}</code>
      </p>
      <p>{sentence(problem.hint)}</p>
    </div>
  );
}

/** Hints are one sentence without capital and full stop. */
function sentence(hint: string): string {
  return hint === "" ? "" : `${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`;
}
