/** What a chart library is given: columns over one list of times, gaps told from missing steps. */
import { gapAfter } from "@/model/chart_steps.ts";
import type { PointColumns, SeriesView } from "@/model/dashboard_view.ts";

type Column = (number | null | undefined)[];

/** Beginnings of all steps, ms since 1970. */
export function timesOf({ firstMs, stepMs, value }: PointColumns): number[] {
  return value.map((_, i) => firstMs + i * stepMs);
}

/** Missing steps are bridged (undefined), but for gaps (null). */
export function alignedColumn(
  { points, intervalMs }: Pick<SeriesView, "points" | "intervalMs">,
  { values, place, length }: {
    values: (number | null)[] | undefined;
    place: Map<number, number>;
    length: number;
  },
): Column {
  const column: Column = Array(length).fill(undefined);
  if (points === null || values === undefined) return column;
  const gapMs = gapAfter(intervalMs, points.stepMs);
  let last = -1;
  values.forEach((value, i) => {
    if (value === null) return;
    column[place.get(points.firstMs + i * points.stepMs)!] = value;
    if (last >= 0 && (i - last) * points.stepMs > gapMs) {
      column[place.get(points.firstMs + (i - 1) * points.stepMs)!] ??= null;
    }
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
