import type { ComponentChildren } from "preact";

export interface CardProps {
  title?: ComponentChildren;
  /** Beside the title, smaller. */
  sub?: ComponentChildren;
  /** At the end of the title's line: a tag, a link, a button. */
  end?: ComponentChildren;
  /** Columns of twelve; one column on narrow screens. */
  span?: 3 | 4 | 6 | 8 | 12;
  id?: string;
  children?: ComponentChildren;
}

/** A titled part of a page, inside `<div class="grid">`. */
export function Card({ title, sub, end, span = 12, id, children }: CardProps) {
  const labelled = title !== undefined && id !== undefined;
  return (
    <section class={`card c${span}`} id={id} aria-labelledby={labelled ? `${id}-title` : undefined}>
      {title !== undefined && (
        <div class="card-head">
          <h2 id={labelled ? `${id}-title` : undefined}>{title}</h2>
          {sub !== undefined && <span class="sub">{sub}</span>}
          {end !== undefined && <span class="card-end">{end}</span>}
        </div>
      )}
      {children}
    </section>
  );
}
