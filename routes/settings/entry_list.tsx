/** The destinations or the sources, each with what it does now, and what may be added. */
import plus from "lucide/plus.mjs";
import type { ComponentChildren } from "preact";
import { Empty } from "@/components/Empty.tsx";
import { Icon, type IconData } from "@/components/Icon.tsx";
import { Tag, type Tone } from "@/components/Tag.tsx";
import type { Texts } from "@/components/texts.ts";
import type { EntrySection } from "@/config/settings_change.ts";
import { entryTypes, type EntryView } from "@/config/settings_view.ts";
import type { PageState } from "@/routes/page_state.ts";
import { listPath } from "@/routes/settings/entry_page.tsx";
import { OriginTag } from "@/routes/settings/setting_field.tsx";
import { SettingsHead } from "@/routes/settings/settings_notices.tsx";
import type { SettingsView } from "@/routes/settings/settings_port.ts";

export interface EntryState {
  tone: Tone;
  text: string;
  /** What went wrong last, or how much waits. */
  note?: string;
}

export interface EntryListProps {
  section: EntrySection;
  view: SettingsView;
  entries: EntryView[];
  stateOf: (entry: EntryView) => EntryState | null;
  state: PageState;
  url: URL;
  children?: ComponentChildren;
}

export function EntryList(props: EntryListProps) {
  const { section, view, entries, stateOf, state, url, children } = props;
  const { settings } = state.texts;
  const words = settings[section];
  return (
    <>
      <SettingsHead
        title={words.title}
        sub={words.text}
        back={{ href: "/settings", title: settings.back }}
        texts={settings}
        restartNeeded={view.restartNeeded}
        done={doneText(url, settings)}
      />
      {entries.length === 0
        ? (
          <div class="card">
            <Empty title={words.none}>
              <p>{words.noneHint}</p>
            </Empty>
          </div>
        )
        : (
          <ul class="entry-list">
            {entries.map((entry) => (
              <EntryRow key={entry.name} now={stateOf(entry)} {...{ entry, settings }} />
            ))}
          </ul>
        )}
      <section class="card" aria-labelledby="add-title">
        <div class="card-head">
          <h2 id="add-title">{words.add}</h2>
        </div>
        <div class="entry-types">
          {entryTypes(section).map((type) => (
            <a key={type} class="button" href={`/settings/add/${section}?type=${type}`}>
              <Icon of={plus as IconData} /> {settings.types[type]?.title ?? type}
            </a>
          ))}
        </div>
      </section>
      {children}
    </>
  );
}

function EntryRow(
  { entry, now, settings }: {
    entry: EntryView;
    now: EntryState | null;
    settings: Texts["settings"];
  },
) {
  const { section, name, type, managed, origin, fields } = entry;
  const at = ["url", "path"].flatMap((key) =>
    fields.filter(({ field }) => field.keys.join() === key).map(({ text }) => text)
  );
  return (
    <li class="card entry-row">
      <div>
        <h2>
          {name} <span class="sub">{settings.types[type]?.title ?? type}</span>
          {now !== null && <Tag tone={now.tone}>{now.text}</Tag>}
        </h2>
        <p>
          <code>{at.join(" ")}</code>
        </p>
        {now?.note !== undefined && <p class="sub">{now.note}</p>}
        {managed && (
          <p class="setting-origin sub">
            <OriginTag origin={origin} texts={settings} />
          </p>
        )}
      </div>
      <a class="button" href={`${listPath(section)}/${encodeURIComponent(name)}`}>
        {managed ? settings.entry.show : settings.entry.edit}{" "}
        <span class="visually-hidden">{name}</span>
      </a>
    </li>
  );
}

function doneText(url: URL, { entry }: Texts["settings"]): string | null {
  const done: Record<string, string> = {
    added: entry.added,
    changed: entry.changed,
    removed: entry.removed,
  };
  return done[url.searchParams.get("done") ?? ""] ?? null;
}
