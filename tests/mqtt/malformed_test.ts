/** Runs the corpus of wrong bytes; meanwhile other connections are served. */
import assert from "node:assert/strict";
import { connectControl, describe, play, served, startTarget } from "@/tests/mqtt/corpus_player.ts";
import { corpus } from "@/tests/mqtt/malformed.ts";
import type { RawClient } from "@/tests/mqtt/raw_client.ts";

const AT_ONCE = 40;

for (const [group, sequences] of Object.entries(corpus())) {
  Deno.test(`malformed corpus: ${group} (${sequences.length} sequences)`, async () => {
    await using fixture = await startTarget();
    const controls: RawClient[] = [];
    for (let i = 0; i < AT_ONCE; i++) controls.push(await connectControl(fixture));
    const faults: string[] = [];
    let next = 0;
    await Promise.all(controls.map(async (control) => {
      for (let at = next++; at < sequences.length; at = next++) {
        const sequence = sequences[at]!;
        const fault = await play(fixture, sequence, { control });
        if (fault !== "") faults.push(`${describe(sequence)}: ${fault}`);
        await served(control);
      }
    }));
    assert.deepEqual(faults.slice(0, 40), [], `${faults.length} of ${sequences.length}`);
    const own = fixture.reports.filter(({ kind }) =>
      kind !== "protocol_error" && kind !== "refused"
    );
    assert.deepEqual(own, [], "nothing is reported but what the peers did");
  });
}
