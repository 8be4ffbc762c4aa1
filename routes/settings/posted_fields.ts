/** A posted form of settings against what is in effect: what it changes, what of it is no value. */
import { inputValue } from "@/config/field_input.ts";
import type { Problem } from "@/config/problems.ts";
import type { FieldView } from "@/config/settings_view.ts";

/** What came for one field. */
export type PostedValue =
  /** As it is, or not on the form. */
  | { kind: "same" }
  /** undefined: back to the default. */
  | { kind: "value"; value: unknown }
  | { kind: "wrong"; problem: Problem };

/** Reads the field called `name`. A secret that came empty is the same, unless its box is ticked. */
export function postedValue(form: URLSearchParams, name: string, view: FieldView): PostedValue {
  const raw = form.get(name);
  if (view.field.secret) {
    if (form.has(`clear.${name}`) && !raw) return { kind: "value", value: undefined };
    return raw ? { kind: "value", value: raw } : { kind: "same" };
  }
  if (raw === null || plain(raw) === plain(view.text)) return { kind: "same" };
  const parsed = inputValue(view.field, raw);
  if (!("value" in parsed)) return { kind: "wrong", problem: wrong(view, parsed) };
  const isPreset = plain(raw) === plain(view.preset) && !view.field.required;
  return { kind: "value", value: isPreset ? undefined : parsed.value };
}

/** What a form shows again: what was typed, never a secret. */
export function postedText(form: URLSearchParams | null, name: string, view: FieldView): string {
  return view.field.secret ? "" : form?.get(name) ?? view.text;
}

function wrong(view: FieldView, { message, hint }: { message: string; hint: string }): Problem {
  return { path: view.path, shown: null, message, hint, origin: view.origin };
}

function plain(text: string): string {
  return text.replaceAll("\r\n", "\n").trim();
}
