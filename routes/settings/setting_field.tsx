/** One setting in a form: what it is for, its value, and who set that. */
import lock from "lucide/lock.mjs";
import { Icon, type IconData } from "@/components/Icon.tsx";
import { Tag } from "@/components/Tag.tsx";
import type { Texts } from "@/components/texts.ts";
import { inputChoices, inputShape, inputText } from "@/config/field_input.ts";
import type { Origin } from "@/config/layers.ts";
import type { FieldView } from "@/config/settings_view.ts";

export interface SettingFieldProps {
  view: FieldView;
  /** Of the form's field; unique on its page. */
  name: string;
  label: string;
  /** What stands in the field: what was typed, else the value. */
  text: string;
  error?: { message: string; hint: string };
  /** What it is meanwhile, where somebody else changed it. */
  now?: string;
  /** A secret that was typed and waits to be saved. */
  typed?: boolean;
  /** Changed, and in effect with the next start only. */
  waits?: boolean;
  readOnly?: boolean;
  /** Says where a value is from only where that is not here: the rest of an entry is its own. */
  quiet?: boolean;
  texts: Texts["settings"];
}

export function SettingField(props: SettingFieldProps) {
  const { view, name, label, error, now, texts } = props;
  const id = `field-${name}`;
  return (
    <div class="setting">
      <div class="setting-about">
        <label for={id}>{label}</label> <code class="sub">{view.field.keys.join(".")}</code>
        <p class="field-help" id={`${id}-help`}>{helpOf(view, texts)}</p>
      </div>
      <div class="setting-value">
        <Control {...props} />
        {error !== undefined && (
          <p class="field-error" id={`${id}-error`}>
            {sentence(error.message)} {sentence(error.hint)}
          </p>
        )}
        {now !== undefined && (
          <p class="setting-now">
            <Tag tone="warn">{texts.now}</Tag> {now}
          </p>
        )}
        <OriginLine {...props} />
      </div>
    </div>
  );
}

function helpOf({ field }: FieldView, texts: Texts["settings"]): string {
  const shape = inputShape(field);
  const form = shape === "lines" ? texts.listHelp : shape === "table" ? texts.tableHelp : "";
  const example = field.secret ? "" : inputText(field, field.example).replaceAll("\n", " ");
  const shown = example === "" ? "" : `${texts.example} ${example}`;
  return [field.text, form, shown].filter(Boolean).join(" ");
}

function Control(props: SettingFieldProps) {
  const { view, name, error, text, readOnly = false } = props;
  const shape = inputShape(view.field);
  const id = `field-${name}`;
  const common = {
    ...{ id, name, disabled: view.managed || readOnly },
    "aria-describedby": error === undefined ? `${id}-help` : `${id}-error ${id}-help`,
    "aria-invalid": error === undefined ? undefined : true,
  };
  if (view.field.secret) return <SecretInput {...props} common={common} />;
  if (shape === "choice") return <Choice {...props} common={common} />;
  if (shape === "lines" || shape === "table") {
    const rows = Math.min(8, Math.max(2, text.split("\n").length));
    return (
      <textarea {...common} rows={rows} spellcheck={false} class="code">
        {text.startsWith("\n") ? `\n${text}` : text}
      </textarea>
    );
  }
  return (
    <input
      {...common}
      type="text"
      value={text}
      inputMode={shape === "number" ? "numeric" : undefined}
      placeholder={placeholderOf(view)}
      spellcheck={false}
      autocomplete="off"
      autocapitalize="off"
    />
  );
}

/** What an empty field comes to; of one that must be given, what it may look like. */
function placeholderOf({ preset, field }: FieldView): string {
  return field.required && typeof field.example === "string" ? field.example : preset;
}

type Common = object;

function Choice({ view, text, texts, common }: SettingFieldProps & { common: Common }) {
  const choices = inputChoices(view.field);
  const shown = choices.includes(text) ? choices : [text, ...choices];
  const word = (choice: string) =>
    choice === "true" ? texts.yes : choice === "false" ? texts.no : choice;
  return (
    <select {...common}>
      {shown.map((choice) => (
        <option key={choice} value={choice} selected={choice === text}>
          {word(choice)}
          {choice === view.preset ? ` (${texts.origin.default})` : ""}
        </option>
      ))}
    </select>
  );
}

/** Never holds a value; empty leaves what is set, and a box takes it away. */
function SecretInput(
  { view, name, typed = false, readOnly = false, texts, common }: SettingFieldProps & {
    common: Common;
  },
) {
  const fixed = view.managed || readOnly;
  const removable = view.isSet && !fixed && !view.field.required;
  return (
    <>
      <input {...common} type="password" autocomplete="new-password" />
      <p class="sub">{secretState({ view, typed, fixed, texts })}</p>
      {removable && (
        <label class="setting-clear">
          <input type="checkbox" name={`clear.${name}`} /> {texts.secretClear}
        </label>
      )}
    </>
  );
}

function secretState(
  { view, typed, fixed, texts }: Pick<SettingFieldProps, "view" | "texts"> & {
    typed: boolean;
    fixed: boolean;
  },
): string {
  if (typed) return texts.secretTyped;
  if (!view.isSet) return texts.secretUnset;
  return fixed ? texts.secretIsSet : texts.secretSet;
}

function OriginLine({ view, texts, waits = false, quiet = false }: SettingFieldProps) {
  const { origin, field, managed, preset } = view;
  if (quiet && !managed) return null;
  const shape = inputShape(field);
  const tellsPreset = origin.kind === "settings" && !field.required && !field.secret &&
    shape !== "choice";
  return (
    <p class="setting-origin sub">
      <OriginTag origin={origin} texts={texts} />
      {managed && <span>{texts.origin.byHint}</span>}
      {tellsPreset && <span>{texts.preset} {preset === "" ? texts.presetNone : preset}</span>}
      {waits && <Tag tone="warn">{texts.restartWaits}</Tag>}
      {!waits && field.reload === "restart" && <span>{texts.restartTag}</span>}
    </p>
  );
}

/** Where a value is from, in a word; what sets it elsewhere is named. */
export function OriginTag({ origin, texts }: { origin: Origin; texts: Texts["settings"] }) {
  if (origin.kind === "default") return <Tag tone="idle">{texts.origin.default}</Tag>;
  if (origin.kind === "settings") return <Tag tone="ok">{texts.origin.settings}</Tag>;
  return (
    <>
      <span class="tag idle setting-managed">
        <Icon of={lock as IconData} /> {texts.origin.managed}
      </span>
      <span title={origin.name}>{shortPlace(origin)}</span>
    </>
  );
}

/** `sluice.toml, line 4`; the whole path is in the title. */
export function shortPlace({ kind, name, line }: Origin): string {
  const short = kind === "file" ? name.slice(name.lastIndexOf("/") + 1) : name;
  return line === undefined ? short : `${short}, line ${line}`;
}

/** Messages and hints begin small and have no full stop. */
export function sentence(words: string): string {
  return words === "" ? "" : `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
