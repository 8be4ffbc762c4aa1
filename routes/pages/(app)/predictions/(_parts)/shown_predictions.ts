import type { ShownPrediction } from "@/components/predictions/prediction_views.ts";
import type { PageServices } from "@/routes/page_services.ts";
import type { PredictionRow } from "@/store/queries.ts";

export function shownPrediction(row: PredictionRow): ShownPrediction {
  const { messageId, device, label, score, avgScore, window, model, atUs } = row;
  return { messageId, device, label, score, avgScore, window, model, atMs: atUs / 1000 };
}

/** Bit-identical scores in a row; null while the score moves. */
export function stuckResults(
  { deviceWatch }: Pick<PageServices, "deviceWatch">,
  device: string,
): number | null {
  const { stuck } = deviceWatch.signs(device);
  return stuck.find(({ measurement }) => measurement === null)?.results ?? null;
}
