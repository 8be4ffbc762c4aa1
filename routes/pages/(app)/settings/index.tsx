import archive from "lucide/archive.mjs";
import key from "lucide/key-round.mjs";
import list from "lucide/list-checks.mjs";
import network from "lucide/network.mjs";
import palette from "lucide/palette.mjs";
import ruler from "lucide/ruler.mjs";
import scroll from "lucide/scroll-text.mjs";
import send from "lucide/send.mjs";
import server from "lucide/server.mjs";
import shield from "lucide/shield-check.mjs";
import plug from "lucide/plug.mjs";
import users from "lucide/users.mjs";
import { page } from "fresh";
import type { ComponentChildren } from "preact";
import { Icon, type IconData } from "@/components/Icon.tsx";
import { Tag } from "@/components/Tag.tsx";
import type { Texts } from "@/components/texts.ts";
import type { EntryView, FieldView } from "@/config/settings_view.ts";
import { define } from "@/routes/page_state.ts";
import { type GroupId, settingsGroups } from "@/routes/settings/groups.ts";
import { SettingsHead } from "@/routes/settings/settings_notices.tsx";
import type { SettingsView } from "@/routes/settings/settings_port.ts";

const ICONS: Record<GroupId, unknown> = {
  retention: archive,
  access: key,
  tls: shield,
  network,
  broker: server,
  readings: ruler,
  log: scroll,
  appearance: palette,
};

interface IndexData {
  view: SettingsView;
  people: number;
}

export const handler = define.handlers({
  async GET({ state: { services } }) {
    const view = await services.settings.describe();
    return page<IndexData>({ view, people: services.auth.people.list().length });
  },
});

export default define.page<typeof handler>(({ data: { view, people }, state: { texts } }) => {
  const { settings, common } = texts;
  const groups = settingsGroups(view.sections);
  return (
    <>
      <SettingsHead title={settings.title} texts={settings} restartNeeded={view.restartNeeded} />
      <p>{settings.intro}</p>
      <ul class="settings-cards">
        <PlaceCard path="destinations" icon={send} {...settings.destination}>
          <EntryCounts entries={view.destinations} texts={settings} />
        </PlaceCard>
        <PlaceCard path="sources" icon={plug} {...settings.source}>
          <EntryCounts entries={view.sources} texts={settings} />
        </PlaceCard>
        <PlaceCard path="people" icon={users} {...settings.people}>
          <Tag tone="idle">{common.count(people, "person", "people")}</Tag>
        </PlaceCard>
        {groups.map(({ id, parts }) => (
          <PlaceCard key={id} path={id} icon={ICONS[id]} {...settings.groups[id]}>
            <FieldCounts
              fields={parts.flatMap(({ fields }) =>
                fields
              )}
              texts={settings}
            />
          </PlaceCard>
        ))}
        <PlaceCard path="all" icon={list} {...settings.all} />
      </ul>
      <p class="sub">{settings.order}</p>
    </>
  );
});

function PlaceCard(
  { path, icon, title, text, children }: {
    path: string;
    icon: unknown;
    title: string;
    text: string;
    children?: ComponentChildren;
  },
) {
  return (
    <li>
      <a class="settings-card" href={`/settings/${path}`}>
        <Icon of={icon as IconData} />
        <strong>{title}</strong>
        <span>{text}</span>
        {children !== undefined && <span class="settings-counts">{children}</span>}
      </a>
    </li>
  );
}

function EntryCounts({ entries, texts }: { entries: EntryView[]; texts: Texts["settings"] }) {
  const managed = entries.filter((entry) => entry.managed).length;
  if (entries.length === 0) return <Tag tone="idle">0</Tag>;
  return (
    <>
      {entries.map(({ name, type }) => (
        <Tag key={name} tone="ok">{`${name}: ${texts.types[type]?.title ?? type}`}</Tag>
      )).slice(0, 4)}
      {entries.length > 4 && <Tag tone="ok">{`+ ${entries.length - 4}`}</Tag>}
      {managed > 0 && <Tag tone="idle">{texts.managedCount(managed)}</Tag>}
    </>
  );
}

function FieldCounts({ fields, texts }: { fields: FieldView[]; texts: Texts["settings"] }) {
  const managed = fields.filter((each) => each.managed).length;
  const set = fields.filter(({ origin }) => origin.kind === "settings").length;
  return (
    <>
      {set > 0 && <Tag tone="ok">{texts.setCount(set)}</Tag>}
      {managed > 0 && <Tag tone="idle">{texts.managedCount(managed)}</Tag>}
      {set + managed === 0 && <Tag tone="idle">{texts.allDefault}</Tag>}
    </>
  );
}
