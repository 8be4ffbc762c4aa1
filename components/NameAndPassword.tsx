import { Field } from "@/components/Form.tsx";
import type { Texts } from "@/components/texts.ts";

export interface NameAndPasswordProps {
  texts: Texts;
  /** What was sent before; then only the password is missing. */
  name: string;
  /** A password to make, rather than the one that somebody has. */
  isNew?: boolean;
}

/** The two fields of signing in and of claiming. */
export function NameAndPassword({ texts: { people }, name, isNew }: NameAndPasswordProps) {
  return (
    <>
      <Field
        name="username"
        label={people.name}
        value={name}
        autocomplete="username"
        autofocus={name === ""}
        required
        maxLength={64}
      />
      <Field
        name="password"
        label={people.password}
        type="password"
        autocomplete={isNew ? "new-password" : "current-password"}
        autofocus={name !== ""}
        help={isNew ? people.passwordHelp : undefined}
        required
      />
    </>
  );
}
