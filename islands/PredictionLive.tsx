/**
 * New predictions as they come: on top of the list (`data-feed`), in the line or the place of their
 * device (`data-latest`). What is counted over time is fetched again from the server.
 */
import { useEffect } from "preact/hooks";
import { formatAge } from "@/components/format_moment.ts";
import { formatNumber } from "@/components/format_number.ts";
import type { LivePrediction } from "@/model/live_events.ts";
import { keepFresh } from "./fresh_parts.ts";
import { follow } from "./live.ts";

export interface PredictionLiveProps {
  /** Only of this device, only with this label; null: all. */
  device: string | null;
  label: string | null;
  /** The list shows the newest ones, so that new ones belong on top. */
  feeds: boolean;
  rowsMax: number;
  /** How soon after a new result the parts are fetched again, ms. */
  partsMs: number;
}

/** History follows the log within a second or so. */
const HISTORY_MS = 1_500;
const DEVICES_MAX = 1_000;

export default function PredictionLive(props: PredictionLiveProps) {
  useEffect(() => {
    const newest = new Map<string, LivePrediction>();
    const parts = keepFresh(() => newest.forEach(showLatest));
    const unfollow = follow({
      onPrediction: (prediction) => {
        const { device, label } = props;
        if (device !== null && prediction.device !== device) return;
        if (newest.size < DEVICES_MAX) newest.set(prediction.device, prediction);
        const isShown = showLatest(prediction);
        const fits = label === null || prediction.label === label;
        const isFed = !props.feeds || !fits || prepend(prediction, props.rowsMax);
        parts.soon(isShown && isFed ? props.partsMs : HISTORY_MS);
      },
      onBack: () => {
        document.querySelector("[data-feed]")?.setAttribute("data-part", "feed");
        parts.soon(HISTORY_MS);
      },
    });
    return () => {
      parts.stop();
      unfollow();
    };
  }, []);
  return null;
}

/** False where the page has no place for the device yet. */
function showLatest(prediction: LivePrediction): boolean {
  // An id of a device holds nothing that a selector would read otherwise.
  const places = document.querySelectorAll(`[data-latest="${prediction.device}"]`);
  for (const place of places) {
    const shownMs = Number(place.querySelector("time")?.dataset.age);
    if (!(shownMs > prediction.atMs)) fill(place, prediction);
  }
  return places.length > 0;
}

/** False where there is no list yet. */
function prepend(prediction: LivePrediction, rowsMax: number): boolean {
  const template = document.querySelector<HTMLTemplateElement>("[data-feed-row]");
  const list = document.querySelector("[data-feed] tbody");
  if (template === null || list === null) return false;
  // From now on the page is ahead of the server's history: fetched again, rows would go and come.
  list.closest("[data-feed]")!.removeAttribute("data-part");
  const row = template.content.cloneNode(true) as DocumentFragment;
  fill(row, prediction);
  list.prepend(row);
  while (list.children.length > rowsMax) list.lastElementChild?.remove();
  return true;
}

function fill(place: ParentNode, prediction: LivePrediction): void {
  const { messageId, device, label, score, avgScore, model, atMs } = prediction;
  const cell = (name: string) => place.querySelector(`[data-cell="${name}"]`);
  const write = (name: string, text: string) => {
    const element = cell(name);
    if (element === null) return;
    element.textContent = text;
    if (element.hasAttribute("title")) element.setAttribute("title", text);
  };
  write("device", device);
  write("label", label);
  write("score", formatNumber(score));
  write("average", avgScore === null ? "" : formatNumber(avgScore));
  write("model", model ?? "");
  cell("device")?.setAttribute("href", `/predictions/${device}`);
  cell("journey")?.setAttribute("href", `/messages/${messageId}`);
  cell("bar")?.setAttribute("width", String(Math.max(0, Math.min(1, score)) * 100));
  const time = place.querySelector("time");
  if (time === null) return;
  time.dateTime = time.title = new Date(atMs).toISOString();
  time.dataset.age = String(atMs);
  time.textContent = formatAge(atMs, Date.now());
}
