import { HttpError, page } from "fresh";
import { entryTypes, newEntry } from "@/config/settings_view.ts";
import { readForm } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import { type EntryData, entryData, EntryPage, postEntry } from "@/routes/settings/entry_page.tsx";

export const handler = define.handlers({
  async GET({ params, url, state }) {
    return page<EntryData>(await draftData(state, { kind: params.kind!, url }));
  },

  async POST({ req, params, url, state }) {
    const form = await readForm(req);
    return await postEntry(form, await draftData(state, { kind: params.kind!, url }), state);
  },
});

/** `/settings/add/destination?type=postgres` */
async function draftData(
  { services: { settings } }: PageState,
  { kind, url }: { kind: string; url: URL },
): Promise<EntryData> {
  if (kind !== "destination" && kind !== "source") throw new HttpError(404);
  const type = url.searchParams.get("type") ?? "";
  if (!entryTypes(kind).includes(type)) throw new HttpError(404);
  return entryData({ view: await settings.describe(), entry: newEntry(kind, type), isNew: true });
}

export default define.page<typeof handler>(({ data, state }) => (
  <EntryPage data={data} state={state} />
));
