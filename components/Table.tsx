import type { ComponentChildren } from "preact";

export interface TableProps {
  /** What the table lists, for those who do not see it. */
  caption: string;
  columns: readonly (string | { title: string; numeric?: boolean; hidden?: boolean })[];
  /** `<tr>` elements. */
  children: ComponentChildren;
}

/** A table that scrolls inside its card where the screen is narrow. */
export function Table({ caption, columns, children }: TableProps) {
  return (
    <div class="table-box" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => {
              const { title, numeric, hidden } = typeof column === "string"
                ? { title: column, numeric: false, hidden: false }
                : column;
              return (
                <th key={title} scope="col" class={numeric ? "n" : undefined}>
                  {hidden ? <span class="visually-hidden">{title}</span> : title}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Leads to the next page of a list; nothing on the last one. */
export function Pager(
  { next, first, labels }: {
    /** URL of the next page. */
    next: string | null;
    /** URL of the first page when this is a later one. */
    first: string | null;
    labels: { next: string; first: string };
  },
) {
  if (next === null && first === null) return null;
  return (
    <nav class="pager" aria-label={labels.next}>
      {first !== null && <a class="button" href={first}>{labels.first}</a>}
      {next !== null && <a class="button" href={next} rel="next">{labels.next}</a>}
    </nav>
  );
}
