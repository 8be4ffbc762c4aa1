/** Numbers as people read them; the same text on the server and in the browser. */

/** Between groups of three digits and between number and unit: narrow, and it does not break. */
export const THIN_SPACE = "\u202f";
const MINUS = "\u2212";

/** 1234567.5 → `1 234 567.5`; a true minus sign; at most `digits` decimals, default 3. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "–";
  const [whole = "0", decimals] = trimmed(Math.abs(value), digits).split(".");
  const grouped = whole.includes("e") ? whole : whole.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE);
  const text = decimals === undefined ? grouped : `${grouped}.${decimals}`;
  return value < 0 && Number(trimmed(Math.abs(value), digits)) !== 0 ? MINUS + text : text;
}

function trimmed(value: number, digits: number): string {
  const vanishes = digits >= 2 && value !== 0 && value < 10 ** -digits / 2;
  if (value >= 1e15 || vanishes) return value.toPrecision(3);
  return value.toFixed(digits).replace(/\.?0+$/, (zeros) => zeros.startsWith(".") ? "" : zeros)
    .replace(/(\.\d*?)0+$/, "$1");
}

/** A measured value: as many decimals as make sense at its size. */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  return formatNumber(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4);
}
