import { prettyPayload } from "@/components/payload_text.ts";

/** A page of at most 60 kB cannot show every payload whole. */
const SHOWN_MAX = 12_000;

/** A payload on lines of its own; a long one is cut, and says so. */
export function Payload({ text, cutText }: { text: string; cutText: string }) {
  const pretty = prettyPayload(text);
  return (
    <>
      <pre class="payload" tabIndex={0}>{pretty.slice(0, SHOWN_MAX)}</pre>
      {pretty.length > SHOWN_MAX && <p class="sub">{cutText}</p>}
    </>
  );
}
