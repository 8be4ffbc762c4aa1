/** Rows under headings, columns aligned: numbers to the right, texts to the left. */
export function textTable(headings: string[], rows: string[][]): string {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => (row[i] ?? "").length))
  );
  const numeric = headings.map((_, i) =>
    rows.length > 0 && rows.every((row) => /^[\d.,-]*$/.test(row[i] ?? ""))
  );
  const line = (cells: string[]) =>
    cells.map((cell, i) => numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))
      .join("  ").trimEnd();
  return [line(headings), ...rows.map(line)].join("\n") + "\n";
}

/** Text from a device for a terminal: control characters become visible, long ones end in `…`. */
export function printable(text: string, lengthMax: number): string {
  const visible = [...text].map((char) => isControl(char) ? escapeChar(char) : char).join("");
  return visible.length > lengthMax ? visible.slice(0, lengthMax - 1) + "…" : visible;
}

/** C0, DEL, C1, line and paragraph separators, and what turns the direction of a line. */
function isControl(char: string): boolean {
  const code = char.codePointAt(0)!;
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code === 0x2028 || code === 0x2029 ||
    (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

function escapeChar(char: string): string {
  return `\\u${char.codePointAt(0)!.toString(16).padStart(4, "0")}`;
}

/** `3 s`, `12 min`, `4 h`, `2 d`. */
export function ageText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} d`;
}

/** `12.3 MB` */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}
