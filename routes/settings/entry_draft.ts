/** A posted form of a destination or source as the entry that it means. */
import { inputValue } from "@/config/field_input.ts";
import type { Problem } from "@/config/problems.ts";
import { type EntryPut, splitLogin } from "@/config/settings_change.ts";
import type { FileValues } from "@/config/settings_text.ts";
import type { EntryView, FieldView } from "@/config/settings_view.ts";
import type { Secrets } from "@/routes/settings/draft_secrets.ts";

export interface EntryDraft {
  put: EntryPut;
  /** Of values that are none. */
  problems: Problem[];
  /** Secrets that were typed, now or before. */
  typed: Secrets;
}

export interface DraftOf {
  entry: EntryView;
  isNew: boolean;
  /** Typed earlier, and not on the form again. */
  earlier: Secrets;
}

export function readDraft(form: URLSearchParams, { entry, isNew, earlier }: DraftOf): EntryDraft {
  const name = isNew ? (form.get("name") ?? "").trim() : entry.name;
  const { section, type } = entry;
  const draft: EntryDraft = {
    put: { kind: "put", section, name, entry: { name, type }, keep: [], isNew },
    ...{ problems: [], typed: {} },
  };
  for (const view of entry.fields) {
    if (nameOf(view) === "name") continue;
    if (view.field.secret) readSecret(form, { view, earlier, draft });
    else readValue(form, { view, draft });
  }
  moveLogin(draft);
  return draft;
}

/** The name of a field in the form: `url`, `filter.devices`. */
export function nameOf({ field }: FieldView): string {
  return field.keys.join(".");
}

/** The field of the form that a problem is about; an entry without a name is known by its place. */
export function problemField(
  { path }: Problem,
  { section, name }: { section: string; name: string },
): string | null {
  const prefix = `${section}.${name}.`;
  if (path.startsWith(prefix)) return path.slice(prefix.length);
  const [head, place, ...rest] = path.split(".");
  return name === "" && head === section && /^\d+$/.test(place ?? "") ? rest.join(".") : null;
}

interface At {
  view: FieldView;
  draft: EntryDraft;
}

function readSecret(
  form: URLSearchParams,
  { view, earlier, draft }: At & { earlier: Secrets },
): void {
  const key = nameOf(view);
  const text = form.get(key) || earlier[key];
  if (form.has(`clear.${key}`) && !form.get(key)) return;
  if (text) {
    draft.typed[key] = text;
    draft.put.entry[key] = text;
  } else if (view.isSet && !view.managed) draft.put.keep.push(key);
}

/** A managed value is left to who manages it, unless somebody posts another one: that is refused. */
function readValue(form: URLSearchParams, { view, draft }: At): void {
  const sent = form.get(nameOf(view));
  if (view.managed && (sent === null || sent.trim() === view.text)) return;
  const text = sent ?? view.text;
  const parsed = inputValue(view.field, text);
  if (!("value" in parsed)) {
    draft.problems.push({ path: view.path, shown: null, ...parsed, origin: view.origin });
    return;
  }
  const isPreset = !view.field.required && text.trim() === view.preset;
  setIn(draft.put.entry, view.field.keys, isPreset ? undefined : parsed.value);
}

function setIn(table: FileValues, keys: readonly string[], value: unknown): void {
  const [key = "", ...rest] = keys;
  if (rest.length === 0) {
    table[key] = value;
    return;
  }
  const below = (table[key] ?? {}) as FileValues;
  table[key] = below;
  setIn(below, rest, value);
}

/** A password in an address is taken into its own field, where it is not shown again. */
function moveLogin({ put, typed }: EntryDraft): void {
  const { entry } = put;
  if (put.entry.type === "influxdb" || typeof entry.url !== "string") return;
  const { url, username, password } = splitLogin(entry.url);
  if (password === "" || password === "***") return;
  const user = put.entry.type === "postgres" ? `${encodeURIComponent(username)}@` : "";
  entry.url = url.replace("://", `://${user}`);
  if (put.entry.type !== "postgres") entry.username ??= username;
  if (typed.password !== undefined) return;
  typed.password = password;
  entry.password = password;
  put.keep = put.keep.filter((key) => key !== "password");
}
