/** An icon of Lucide, drawn from its data: `<Icon of={gauge} />` with `lucide/gauge.mjs`. */

import { h } from "preact";

export type IconData = readonly (readonly [string, Record<string, string | number>])[];

/** Without a label the icon is decoration, and the text beside it says what it means. */
export function Icon({ of, label }: { of: IconData; label?: string }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      width="18"
      height="18"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      role={label === undefined ? undefined : "img"}
      aria-label={label}
      aria-hidden={label === undefined ? "true" : undefined}
    >
      {of.map(([shape, attributes], i) => h(shape, { ...attributes, key: i }))}
    </svg>
  );
}
