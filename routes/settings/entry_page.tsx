/** The form of one destination or source, new or known: try it out, save it, remove it. */
import { page } from "fresh";
import { Card } from "@/components/Card.tsx";
import { formatDuration } from "@/components/format.ts";
import { ConfirmForm } from "@/components/Form.tsx";
import { Notice } from "@/components/Notice.tsx";
import BusyForm from "@/islands/BusyForm.tsx";
import type { Problem } from "@/config/problems.ts";
import type { EntrySection } from "@/config/settings_change.ts";
import type { EntryView, FieldView } from "@/config/settings_view.ts";
import { field, seeOther } from "@/routes/page_form.ts";
import type { PageState } from "@/routes/page_state.ts";
import { type EntryDraft, nameOf, problemField, readDraft } from "@/routes/settings/entry_draft.ts";
import { sentence, SettingField, shortPlace } from "@/routes/settings/setting_field.tsx";
import { SettingsHead } from "@/routes/settings/settings_notices.tsx";
import type { SettingsTrial, SettingsView } from "@/routes/settings/settings_port.ts";

export interface EntryData {
  view: SettingsView;
  entry: EntryView;
  isNew: boolean;
  /** Messages that wait for it. */
  waiting: number;
  /** What was sent and is not saved. */
  form: URLSearchParams | null;
  problems: Problem[];
  conflict: boolean;
  trial: Extract<SettingsTrial, { kind: "tried" }> | null;
  /** Finds the secrets that were typed. */
  draftWord: string;
  typed: string[];
}

/** What everybody sees first; the rest is for those who know what they want of it. */
const FIRST_KEYS = [
  ...["name", "enabled", "url", "org", "bucket", "token", "path", "baud", "receiver", "nodes"],
  ...["topics", "share", "username", "password", "tls", "prefix"],
];

export function entryData(
  given: Pick<EntryData, "view" | "entry" | "isNew"> & { waiting?: number },
): EntryData {
  const nothing = { form: null, problems: [], conflict: false, trial: null };
  return { waiting: 0, ...given, ...nothing, draftWord: "", typed: [] };
}

/** `/settings/destinations` of `destination`. */
export function listPath(section: EntrySection): string {
  return `/settings/${section}s`;
}

/** Does what the form asks for; the page again where it is not done with that. */
export async function postEntry(form: URLSearchParams, data: EntryData, state: PageState) {
  const { services: { settings }, identity, remoteAddress: address } = state;
  const owner = identity!.sessionId;
  const word = field(form, "draft");
  const { entry, isNew } = data;
  const draft = readDraft(form, { entry, isNew, earlier: settings.drafts.find(owner, word) });
  const again: EntryData = {
    ...{ ...data, form, typed: Object.keys(draft.typed) },
    draftWord: settings.drafts.keep(owner, draft.typed),
  };
  settings.drafts.forget(word);
  const problems = [...draft.problems];
  if (problems.length > 0) {
    problems.push(...await settings.check([draft.put]));
    return page<EntryData>({ ...again, problems }, { status: 400 });
  }
  if (field(form, "action") === "test") return await tryOut(draft, again, state);
  const by = { name: identity!.name, address };
  const version = field(form, "version");
  const outcome = await settings.save({ version, changes: [draft.put], by });
  if (outcome.kind === "conflict") return page({ ...again, conflict: true }, { status: 409 });
  if (outcome.kind === "invalid") {
    return page({ ...again, problems: outcome.problems }, { status: 400 });
  }
  settings.drafts.forget(again.draftWord);
  return seeOther(`${listPath(entry.section)}?done=${isNew ? "added" : "changed"}`);
}

async function tryOut(
  { put }: EntryDraft,
  again: EntryData,
  { services: { settings } }: PageState,
) {
  const trial = put.section === "destination"
    ? await settings.testDestination(put)
    : await settings.testSource(put);
  return trial.kind === "invalid"
    ? page<EntryData>({ ...again, problems: trial.problems }, { status: 400 })
    : page<EntryData>({ ...again, trial });
}

/** Takes the entry out of the configuration. */
export async function removeEntry(form: URLSearchParams, data: EntryData, state: PageState) {
  const { section, name } = data.entry;
  const by = { name: state.identity!.name, address: state.remoteAddress };
  const outcome = await state.services.settings.save({
    version: field(form, "version"),
    changes: [{ kind: "remove", section, name }],
    by,
  });
  if (outcome.kind === "saved") return seeOther(`${listPath(section)}?done=removed`);
  if (outcome.kind === "conflict") return page({ ...data, conflict: true }, { status: 409 });
  return page({ ...data, problems: outcome.problems }, { status: 400 });
}

export function EntryPage({ data, state }: { data: EntryData; state: PageState }) {
  const { view, entry, isNew, trial, conflict, problems, form } = data;
  const { settings } = state.texts;
  const words = settings[entry.section];
  const type = settings.types[entry.type]?.title ?? entry.type;
  const at = {
    section: entry.section,
    name: isNew ? field(form ?? new URLSearchParams(), "name") : entry.name,
  };
  const onForm = new Set(entry.fields.map(nameOf));
  const fieldOf = (problem: Problem) => {
    const name = problemField(problem, at);
    return name !== null && onForm.has(name) ? name : null;
  };
  return (
    <>
      <SettingsHead
        title={isNew ? words.addType(type) : entry.name}
        sub={isNew ? settings.types[entry.type]?.text : `${words.one}, ${type}`}
        back={{ href: listPath(entry.section), title: words.title }}
        texts={settings}
        restartNeeded={view.restartNeeded}
        labelOf={(problem) => settings.entryLabels[fieldOf(problem) ?? ""] ?? problem.path}
        {...{ conflict, problems, fieldOf }}
      />
      {entry.managed && (
        <Notice tone="idle">
          {settings.entry.managed} {shortPlace(entry.origin)}. {settings.entry.managedHint}
        </Notice>
      )}
      {trial !== null && <TrialNotice trial={trial} managed={entry.managed} state={state} />}
      <EntryForm
        {...{ data, state }}
        problemOf={(name) => problems.find((each) => fieldOf(each) === name)}
      />
      {!isNew && !entry.managed && <RemoveForm data={data} state={state} />}
    </>
  );
}

function TrialNotice(
  { trial, managed, state: { texts: { settings: { entry } } } }: {
    trial: NonNullable<EntryData["trial"]>;
    managed: boolean;
    state: PageState;
  },
) {
  const { ok, message, hint, tookMs } = trial;
  return (
    <div class={`notice trial ${ok ? "ok" : "bad"}`} role={ok ? "status" : "alert"} id="outcome">
      <p>
        <strong>{ok ? entry.testOk : entry.testBad}</strong>{" "}
        <span>({entry.took} {formatDuration(tookMs)})</span>
        <br />
        {sentence(message)} {sentence(hint)}
      </p>
      {ok && !managed && (
        <button type="submit" form="entry-form" name="action" value="save" class="button primary">
          {entry.saveTested}
        </button>
      )}
    </div>
  );
}

function EntryForm(
  { data, state, problemOf }: {
    data: EntryData;
    state: PageState;
    problemOf: (name: string) => Problem | undefined;
  },
) {
  const { view, entry, draftWord, isNew } = data;
  const { settings } = state.texts;
  const first = FIRST_KEYS.flatMap((key) => entry.fields.filter((each) => nameOf(each) === key));
  const more = entry.fields.filter((each) => !first.includes(each));
  const row = (each: FieldView) => (
    <EntryField
      key={each.path}
      view={each}
      error={problemOf(nameOf(each))}
      {...{ data, settings }}
    />
  );
  const open = more.some((each) =>
    each.origin.kind === "settings" || problemOf(nameOf(each)) !== undefined
  );
  return (
    <form
      method="post"
      id="entry-form"
      class="settings-form"
      aria-label={isNew ? settings[entry.section].add : entry.name}
    >
      <input type="hidden" name="_csrf" value={state.csrfToken ?? ""} />
      <input type="hidden" name="version" value={view.version} />
      <input type="hidden" name="draft" value={draftWord} />
      <Card title={settings.entry.connection} id="connection">{first.map(row)}</Card>
      <details class="card entry-more" open={open}>
        <summary>
          {entry.section === "destination" ? settings.entry.more : settings.entry.moreSource}
        </summary>
        {more.map(row)}
      </details>
      <div class="settings-save">
        {!entry.managed && (
          <button type="submit" name="action" value="save" class="button primary">
            {settings.save}
          </button>
        )}
        <button type="submit" name="action" value="test" class="button">
          {settings.entry.test}
        </button>
        <BusyForm
          form="entry-form"
          words={{ test: settings.entry.testing, save: settings.entry.saving }}
          idle={settings.entry.testHint}
        />
      </div>
    </form>
  );
}

function EntryField(
  { view, error, data, settings }: {
    view: FieldView;
    error?: Problem;
    data: EntryData;
    settings: PageState["texts"]["settings"];
  },
) {
  const { form, conflict, entry, isNew, typed } = data;
  const name = nameOf(view);
  const sent = view.field.secret ? null : form?.get(name) ?? null;
  const changed = conflict && sent !== null && sent.trim() !== view.text;
  return (
    <SettingField
      view={view}
      name={name}
      label={settings.entryLabels[name] ?? name}
      text={safeText(view, sent ?? view.text)}
      error={error}
      now={changed ? view.text || "–" : undefined}
      typed={typed.includes(name)}
      readOnly={entry.managed || (name === "name" && !isNew)}
      quiet={!entry.managed}
      texts={settings}
    />
  );
}

/** A password that was typed into an address is not shown again; it is kept as its own field. */
function safeText({ field }: FieldView, text: string): string {
  return field.kind === "URL"
    ? text.replace(/^([a-z][a-z0-9+.-]*:\/\/[^\s:/?#]*):[^\s@/]*@/i, "$1@")
    : text;
}

function RemoveForm(
  { data: { view, entry, waiting }, state }: { data: EntryData; state: PageState },
) {
  const { settings } = state.texts;
  const words = settings[entry.section];
  return (
    <Card>
      <ConfirmForm
        csrfToken={state.csrfToken}
        act="remove"
        open={settings.entry.removeOpen}
        question={words.removeQuestion(entry.name, waiting)}
        button={words.remove(entry.name)}
      >
        <input type="hidden" name="version" value={view.version} />
      </ConfirmForm>
    </Card>
  );
}
