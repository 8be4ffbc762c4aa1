import { page } from "fresh";
import { Card } from "@/components/Card.tsx";
import { Table } from "@/components/Table.tsx";
import { Tag } from "@/components/Tag.tsx";
import type { Texts } from "@/components/texts.ts";
import type { EntryView, FieldView } from "@/config/settings_view.ts";
import { define } from "@/routes/page_state.ts";
import { groupOf, settingsGroups } from "@/routes/settings/groups.ts";
import { OriginTag } from "@/routes/settings/setting_field.tsx";
import { SettingsHead } from "@/routes/settings/settings_notices.tsx";
import type { SettingsView } from "@/routes/settings/settings_port.ts";

export const handler = define.handlers({
  async GET({ state: { services } }) {
    return page<SettingsView>(await services.settings.describe());
  },
});

export default define.page<typeof handler>(({ data: view, state: { texts: { settings } } }) => {
  const groups = settingsGroups(view.sections);
  return (
    <>
      <SettingsHead
        title={settings.all.title}
        back={{ href: "/settings", title: settings.back }}
        texts={settings}
        restartNeeded={view.restartNeeded}
      />
      <p>{settings.all.text} {settings.order}</p>
      <div class="every-setting">
        {[...view.destinations, ...view.sources].map((entry) => (
          <SettingsTable
            key={`${entry.section}.${entry.name}`}
            title={`[[${entry.section}]] ${entry.name}`}
            text={settings.types[entry.type]?.title ?? entry.type}
            fields={entry.fields.filter(({ origin }) => origin.kind !== "default")}
            hrefOf={() => entryPath(entry)}
            {...{ view, settings }}
          />
        ))}
        {view.sections.map(({ name, text, fields }) => (
          <SettingsTable
            key={name}
            title={`[${name}]`}
            hrefOf={({ path }) => `/settings/${groupOf(groups, path)}#field-${path}`}
            {...{ text, fields, view, settings }}
          />
        ))}
      </div>
    </>
  );
});

function entryPath({ section, name }: EntryView): string {
  return `/settings/${section}s/${encodeURIComponent(name)}`;
}

function SettingsTable(
  { title, text, fields, hrefOf, view, settings }: {
    title: string;
    text: string;
    fields: FieldView[];
    hrefOf: (field: FieldView) => string;
    view: SettingsView;
    settings: Texts["settings"];
  },
) {
  const { all } = settings;
  return (
    <Card title={<code>{title}</code>} sub={text}>
      <Table caption={title} columns={[all.key, all.value, all.origin, all.effect]}>
        {fields.map((each) => (
          <tr key={each.path}>
            <td>
              <a href={hrefOf(each)}>
                <code>{each.field.keys.join(".")}</code>
              </a>
            </td>
            <td>
              <code>{shownValue(each, all.set)}</code>
            </td>
            <td>
              <span class="setting-origin">
                <OriginTag origin={each.origin} texts={settings} />
              </span>
            </td>
            <td class="nowrap">
              {view.restartNeeded.includes(each.path)
                ? <Tag tone="warn">{settings.restartWaits}</Tag>
                : all[each.field.reload]}
            </td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}

function shownValue({ field, isSet, text }: FieldView, set: string): string {
  if (field.secret) return isSet ? set : "–";
  return text === "" ? "–" : text;
}
