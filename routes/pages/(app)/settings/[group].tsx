import { HttpError, page } from "fresh";
import { Card } from "@/components/Card.tsx";
import { PostForm } from "@/components/Form.tsx";
import type { Problem } from "@/config/problems.ts";
import type { SettingsChange } from "@/config/settings_change.ts";
import { field, readForm, seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import { GroupExtras, groupExtras, type GroupFacts } from "@/routes/settings/group_extras.tsx";
import { type SettingsGroup, settingsGroups } from "@/routes/settings/groups.ts";
import { postedText, postedValue } from "@/routes/settings/posted_fields.ts";
import { SettingField } from "@/routes/settings/setting_field.tsx";
import { SettingsHead } from "@/routes/settings/settings_notices.tsx";
import type { SettingsView } from "@/routes/settings/settings_port.ts";

interface GroupData {
  view: SettingsView;
  group: SettingsGroup;
  facts: GroupFacts;
  /** What was sent and could not be saved. */
  form: URLSearchParams | null;
  problems: Problem[];
  conflict: boolean;
}

export const handler = define.handlers({
  async GET({ params, state }) {
    return page<GroupData>(await groupData(state, params.group!));
  },

  async POST({ req, params, state }) {
    const form = await readForm(req);
    const data = await groupData(state, params.group!);
    const { changes, problems } = changesOf(form, data.group);
    const path = `/settings/${data.group.id}`;
    const { settings } = state.services;
    if (problems.length > 0) {
      problems.push(...await settings.check(changes));
      return page<GroupData>({ ...data, form, problems }, { status: 400 });
    }
    if (changes.length === 0) return seeOther(`${path}?done=unchanged`);
    const by = { name: state.identity!.name, address: state.remoteAddress };
    const outcome = await settings.save({ version: field(form, "version"), changes, by });
    switch (outcome.kind) {
      case "saved":
        return seeOther(`${path}?done=${outcome.changes.restart.length > 0 ? "later" : "saved"}`);
      case "conflict":
        return page<GroupData>({ ...data, form, conflict: true }, { status: 409 });
      case "invalid": {
        const { problems } = outcome;
        return page<GroupData>({ ...data, form, problems }, { status: 400 });
      }
    }
  },
});

async function groupData(state: PageState, id: string): Promise<GroupData> {
  const view = await state.services.settings.describe();
  const group = settingsGroups(view.sections).find((each) => each.id === id);
  if (group === undefined) throw new HttpError(404);
  const facts = await groupExtras(group.id, state);
  return { ...{ view, group, facts }, form: null, problems: [], conflict: false };
}

/** All of the form's fields are read, so that every wrong one is named at once. */
function changesOf(
  form: URLSearchParams,
  group: SettingsGroup,
): { changes: SettingsChange[]; problems: Problem[] } {
  const changes: SettingsChange[] = [];
  const problems: Problem[] = [];
  for (const view of fieldsOf(group)) {
    const posted = postedValue(form, view.path, view);
    if (posted.kind === "wrong") problems.push(posted.problem);
    if (posted.kind === "value") {
      changes.push({ kind: "set", path: view.path.split("."), value: posted.value });
    }
  }
  return { changes, problems };
}

function fieldsOf({ parts }: SettingsGroup) {
  return parts.flatMap(({ fields }) => fields);
}

export default define.page<typeof handler>(({ data, state, url }) => {
  const { view, group, form, problems, conflict, facts } = data;
  const { settings } = state.texts;
  const names = new Set(fieldsOf(group).map(({ path }) => path));
  return (
    <>
      <SettingsHead
        {...settings.groups[group.id]}
        sub={settings.groups[group.id].text}
        back={{ href: "/settings", title: settings.back }}
        texts={settings}
        restartNeeded={view.restartNeeded}
        done={doneText(url, settings)}
        fieldOf={({ path }) => names.has(path) ? path : null}
        labelOf={({ path }) => names.has(path) ? settings.labels[path] ?? path : path}
        {...{ conflict, problems }}
      />
      <GroupExtras facts={facts} state={state} />
      <PostForm
        csrfToken={state.csrfToken}
        class="settings-form"
        label={settings.groups[group.id].title}
      >
        <input type="hidden" name="version" value={view.version} />
        {group.parts.map((part) => <Part key={part.id} {...{ part, data, state }} />)}
        <div class="settings-save">
          <button type="submit" class="button primary">{settings.save}</button>
          <span class="sub">{form === null ? settings.order : ""}</span>
        </div>
      </PostForm>
    </>
  );
});

function Part(
  { part, data: { view, form, problems, conflict }, state: { texts: { settings } } }: {
    part: SettingsGroup["parts"][number];
    data: GroupData;
    state: PageState;
  },
) {
  return (
    <Card title={settings.parts[part.id]} id={part.id}>
      {part.fields.map((each) => (
        <SettingField
          key={each.path}
          view={each}
          name={each.path}
          label={settings.labels[each.path] ?? each.path}
          text={postedText(form, each.path, each)}
          error={problems.find(({ path }) => path === each.path)}
          now={conflict && form !== null ? nowText(form, each.path, each.text) : undefined}
          waits={view.restartNeeded.includes(each.path)}
          texts={settings}
        />
      ))}
    </Card>
  );
}

/** What a field is now, where that is not what was sent. */
function nowText(form: URLSearchParams, name: string, text: string): string | undefined {
  const sent = form.get(name);
  return sent === null || sent.trim() === text.trim() ? undefined : text || "–";
}

function doneText(url: URL, texts: PageState["texts"]["settings"]): string | null {
  const done: Record<string, string> = {
    saved: texts.saved,
    later: texts.savedLater,
    unchanged: texts.unchanged,
    browser: texts.appearance.done,
  };
  return done[url.searchParams.get("done") ?? ""] ?? null;
}
