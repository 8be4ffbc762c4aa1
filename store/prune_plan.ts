/** Which log rows may go: a pure decision on numbers, carried out in chunks by the writer. */
export const PRUNE_CHUNK_ROWS = 5000;

export interface PruneBounds {
  /** Settled by every destination up to here; null without destinations. */
  lowestCursor: number | null;
  /** Taken into the history up to here. */
  historyCursor: number;
  /** Duplicate windows are saved up to here; what is above is needed to find them again. */
  windowsThrough: number;
  /** Times are final up to here. */
  stampedThrough: number;
}

/** Nobody needs the rows up to this number any more. */
export function prunableThrough(bounds: PruneBounds): number {
  const { lowestCursor, historyCursor, windowsThrough, stampedThrough } = bounds;
  return Math.min(
    lowestCursor ?? historyCursor,
    historyCursor,
    windowsThrough,
    stampedThrough,
  );
}

export interface KeepRules {
  keepMs: number;
  keepBytesMax: number;
  /** Space is short: delivered messages are the first to go. */
  spaceIsShort: boolean;
}

/** Rows at or before both limits are kept no longer. */
export function keepLimits(
  rules: KeepRules,
  { nowUs, boundBytes }: { nowUs: number; boundBytes: number },
): { receivedBeforeUs: number; offsetThrough: number } {
  if (rules.spaceIsShort) return { receivedBeforeUs: Infinity, offsetThrough: Infinity };
  return {
    receivedBeforeUs: nowUs - rules.keepMs * 1000,
    offsetThrough: boundBytes - rules.keepBytesMax,
  };
}
