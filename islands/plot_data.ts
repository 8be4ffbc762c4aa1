/** What a chart library is given: columns over one list of times, gaps told from missing steps. */
import { gapAfter } from "@/model/chart_steps.ts";
import type { PointColumns, SeriesView } from "@/model/dashboard_view.ts";

type Column = (number | null | undefined)[];

/** Beginnings of all steps, ms since 1970. */
export function timesOf({ firstMs, stepMs, value }: PointColumns): number[] {
  return value.map((_, i) => firstMs + i * stepMs);
}

/**
 * One value for each time; null in a gap, undefined where a step is missing or is another series': a
 * line goes on over those.
 */
export function alignedColumn(
  { points, intervalMs }: Pick<SeriesView, "points" | "intervalMs">,
  { values, place, length }: {
    values: readonly (number | null)[] | undefined;
    /** Time → its place in the column. */
    place: ReadonlyMap<number, number>;
    length: number;
  },
): Column {
  const column: Column = Array(length).fill(undefined);
  if (points === null || values === undefined) return column;
  const { firstMs, stepMs } = points;
  const gapMs = gapAfter(intervalMs, stepMs);
  let last: number | null = null;
  values.forEach((value, i) => {
    if (value === null) return;
    const here = place.get(firstMs + i * stepMs)!;
    if (last !== null && (i - last) * stepMs > gapMs) {
      column.fill(null, place.get(firstMs + last * stepMs)! + 1, here);
    }
    column[here] = value;
    last = i;
  });
  return column;
}

/** Places of values whose neighbours are gaps. */
export function lonelyPlaces(values: ArrayLike<number | null | undefined>): number[] {
  const places: number[] = [];
  const isEnd = (from: number, direction: 1 | -1) => {
    for (let i = from + direction; i >= 0 && i < values.length; i += direction) {
      if (values[i] === null) return true;
      if (values[i] !== undefined) return false;
    }
    return true;
  };
  for (let i = 0; i < values.length; i++) {
    if (values[i] != null && isEnd(i, -1) && isEnd(i, 1)) places.push(i);
  }
  return places;
}
