import { page } from "fresh";
import type { Tone } from "@/components/Tag.tsx";
import { define } from "@/routes/page_state.ts";
import { EntryList } from "@/routes/settings/entry_list.tsx";
import type { SettingsView } from "@/routes/settings/settings_port.ts";

const TONES: Record<string, Tone> = { reading: "ok", receiving: "ok", waiting: "bad" };

export const handler = define.handlers({
  async GET({ state: { services } }) {
    return page<SettingsView>(await services.settings.describe());
  },
});

export default define.page<typeof handler>(({ data: view, state, url }) => {
  const { source } = state.texts.settings;
  return (
    <EntryList
      section="source"
      entries={view.sources}
      stateOf={({ name }) => {
        const mode = view.sourceModes.get(name);
        if (mode === undefined) return { tone: "idle", text: source.off };
        return { tone: TONES[mode] ?? "idle", text: source.modes[mode] ?? mode };
      }}
      {...{ view, state, url }}
    />
  );
});
