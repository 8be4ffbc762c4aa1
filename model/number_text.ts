/**
 * Writes a number as a plain decimal: the fewest digits that read back as the same number, never an
 * exponent; `26` for 26.0 and `0` for −0. At most 326 characters (5e-324).
 *
 * @throws RangeError for NaN and infinities, which have no digits
 */
export function plainDecimal(value: number): string {
  const size = Math.abs(value);
  // within these bounds the language itself writes no exponent
  if ((size < 1e21 && size >= 1e-6) || size === 0) return String(value);
  if (!Number.isFinite(value)) throw new RangeError(`Cannot write ${value} as a decimal number`);
  return withoutExponent(String(value));
}

function withoutExponent(text: string): string {
  const [, sign, whole, fraction = "", exponent] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(
    text,
  ) as unknown as string[];
  const shift = Number(exponent);
  const digits = whole! + fraction;
  if (shift < 0) return `${sign}0.${"0".repeat(-shift - 1)}${digits}`;
  // from 1e21 on, the shortest form has at most 17 digits: all of them stand before the point
  return sign! + digits.padEnd(shift + 1, "0");
}
