/** Forms that work without script: they post to a page, with the session's token. */
import type { ComponentChildren } from "preact";

export interface PostFormProps {
  /** Path of the page that takes it; absent: this page. */
  action?: string;
  /** `ctx.state.csrfToken`; null only on public pages. */
  csrfToken: string | null;
  /** Sent as the field `action`, where a page takes several. */
  act?: string;
  class?: string;
  /** Names the form for those who do not see it. */
  label?: string;
  children: ComponentChildren;
}

export function PostForm({ action, csrfToken, act, label, children, ...rest }: PostFormProps) {
  return (
    <form method="post" action={action} class={rest.class ?? "form"} aria-label={label}>
      {csrfToken !== null && <input type="hidden" name="_csrf" value={csrfToken} />}
      {act !== undefined && <input type="hidden" name="action" value={act} />}
      {children}
    </form>
  );
}

interface Labelled {
  name: string;
  label: string;
  /** Below the field: what it is for, in which unit. */
  help?: ComponentChildren;
  /** What is wrong with what was sent. */
  error?: string;
}

export interface FieldProps extends Labelled {
  type?: "text" | "password" | "email" | "number" | "search" | "url" | "date" | "tel";
  value?: string | number;
  required?: boolean;
  minLength?: number;
  maxLength?: number;
  min?: string | number;
  max?: string | number;
  step?: string | number;
  pattern?: string;
  placeholder?: string;
  autocomplete?: string;
  inputMode?: "text" | "numeric" | "decimal" | "email" | "url" | "search";
  disabled?: boolean;
  readOnly?: boolean;
  /** The one field of a page where typing begins. */
  autofocus?: boolean;
  /** Id of a `<datalist>`. */
  list?: string;
}

/** A labelled input with its help and its error. */
export function Field({ name, label, help, error, ...rest }: FieldProps) {
  const input: object = rest;
  return (
    <div class="field">
      <label for={idOf(name)}>{label}</label>
      <input id={idOf(name)} name={name} {...input} {...described({ name, help, error })} />
      <FieldNotes name={name} help={help} error={error} />
    </div>
  );
}

export interface SelectFieldProps extends Labelled {
  value: string;
  options: readonly { value: string; label: string }[];
  disabled?: boolean;
}

export function SelectField(
  { name, label, help, error, value, options, disabled }: SelectFieldProps,
) {
  return (
    <div class="field">
      <label for={idOf(name)}>{label}</label>
      <select
        id={idOf(name)}
        name={name}
        disabled={disabled}
        {...described({ name, help, error })}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value} selected={option.value === value}>
            {option.label}
          </option>
        ))}
      </select>
      <FieldNotes name={name} help={help} error={error} />
    </div>
  );
}

export interface TextAreaFieldProps extends Labelled {
  value: string;
  rows?: number;
  maxLength?: number;
  required?: boolean;
  readOnly?: boolean;
  /** Monospaced, without spelling: JSON and payloads. */
  code?: boolean;
}

export function TextAreaField(
  { name, label, help, error, value, code, ...area }: TextAreaFieldProps,
) {
  return (
    <div class="field">
      <label for={idOf(name)}>{label}</label>
      <textarea
        id={idOf(name)}
        name={name}
        class={code ? "code" : undefined}
        spellcheck={!code}
        {...area}
        {...described({ name, help, error })}
      >
        {
          // A line feed right after the tag belongs to the markup, not to the text.
          value.startsWith("\n") ? `\n${value}` : value
        }
      </textarea>
      <FieldNotes name={name} help={help} error={error} />
    </div>
  );
}

export function CheckField(
  { name, label, checked, help, disabled, value = "on" }: Labelled & {
    checked: boolean;
    disabled?: boolean;
    value?: string;
  },
) {
  return (
    <div class="field check">
      <input
        type="checkbox"
        id={idOf(name)}
        name={name}
        value={value}
        checked={checked}
        disabled={disabled}
        {...described({ name, help })}
      />
      <label for={idOf(name)}>{label}</label>
      <FieldNotes name={name} help={help} />
    </div>
  );
}

function FieldNotes({ name, help, error }: Pick<Labelled, "name" | "help" | "error">) {
  return (
    <>
      {error !== undefined && <p class="field-error" id={`${idOf(name)}-error`}>{error}</p>}
      {help !== undefined && <p class="field-help" id={`${idOf(name)}-help`}>{help}</p>}
    </>
  );
}

function described({ name, help, error }: Pick<Labelled, "name" | "help" | "error">) {
  const notes = [error && `${idOf(name)}-error`, help && `${idOf(name)}-help`].filter(Boolean);
  return {
    "aria-describedby": notes.length > 0 ? notes.join(" ") : undefined,
    "aria-invalid": error === undefined ? undefined : true,
  };
}

function idOf(name: string): string {
  return `field-${name}`;
}

/**
 * A button that first says what it will destroy; opens without script. `children` are the fields of
 * the form inside.
 */
export function ConfirmForm(
  { open, question, button, ...form }: PostFormProps & {
    /** Text of what opens it: "Purge…". */
    open: string;
    question: string;
    /** Names what it destroys: "Purge 214 dead letters". */
    button: string;
  },
) {
  return (
    <details class="confirm">
      <summary class="button danger">{open}</summary>
      <div class="confirm-box">
        <p>{question}</p>
        <PostForm {...form}>
          {form.children}
          <button type="submit" class="button danger solid">{button}</button>
        </PostForm>
      </div>
    </details>
  );
}
