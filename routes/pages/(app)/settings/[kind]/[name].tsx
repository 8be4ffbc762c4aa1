import { HttpError, page } from "fresh";
import { field, readForm } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import {
  type EntryData,
  entryData,
  EntryPage,
  postEntry,
  removeEntry,
} from "@/routes/settings/entry_page.tsx";

export const handler = define.handlers({
  async GET({ params, state }) {
    return page<EntryData>(await knownEntry(state, params));
  },

  async POST({ req, params, state }) {
    const form = await readForm(req);
    const data = await knownEntry(state, params);
    const action = field(form, "action");
    if (action === "remove") return await removeEntry(form, data, state);
    if (action === "test" && data.entry.managed) return await testManaged(data, state);
    return await postEntry(form, data, state);
  },
});

async function knownEntry(
  { services: { settings, store } }: PageState,
  { kind, name }: Record<string, string | undefined>,
): Promise<EntryData> {
  if (kind !== "destinations" && kind !== "sources") throw new HttpError(404);
  const view = await settings.describe();
  const entry = view[kind].find((each) => each.name === name);
  if (entry === undefined) throw new HttpError(404);
  const { ledgers } = await store.snapshot();
  const ledger = ledgers.find(({ destination }) => destination === name);
  const waits = kind === "destinations" && ledger !== undefined;
  const waiting = waits ? ledger.enqueued + ledger.inFlight : 0;
  return entryData({ view, entry, isNew: false, waiting });
}

/** What is set elsewhere is tried out as it is set there. */
async function testManaged(data: EntryData, { services: { operations } }: PageState) {
  if (data.entry.section !== "destination") throw new HttpError(404);
  const { durationMs, ...report } = await operations.destinationTest(data.entry.name);
  return page<EntryData>({ ...data, trial: { kind: "tried", ...report, tookMs: durationMs } });
}

export default define.page<typeof handler>(({ data, state }) => (
  <EntryPage data={data} state={state} />
));
