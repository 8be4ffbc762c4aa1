/** The shell blocks of a document, with the comments before them that say how to run them. */
import assert from "node:assert/strict";

export interface Block {
  how: string;
  text: string;
  /** What the document shows as its output. */
  shown: string | null;
}

export function blocksOf(markdown: string): Block[] {
  const fence = new RegExp(
    "<!-- (run|prepare): ?(.*?) ?-->|^```sh\\n(.*?)^```\\n(?:\\n```text\\n(.*?)^```)?",
    "gsm",
  );
  const blocks: Block[] = [];
  let how: string | null = null;
  for (const [, kind, what, text, shown = null] of markdown.matchAll(fence)) {
    if (kind === "prepare") blocks.push({ how: "in the background", text: what!, shown });
    if (kind === "run") how = what!;
    if (kind !== undefined) continue;
    assert.notEqual(how, null, `no comment says how to run:\n${text}`);
    blocks.push({ how: how!, text: text!, shown });
    how = null;
  }
  return blocks;
}
