/**
 * Keeps what the server rendered of devices up to date: numbers (`data-live="device/measurement"`),
 * when each was heard last (`data-seen`), and its status (`data-status`), which also changes while
 * nothing comes.
 */
import { useEffect } from "preact/hooks";
import { formatAge } from "@/components/format_moment.ts";
import { formatValue } from "@/components/format_number.ts";
import { type DeviceSigns, type DeviceStatus, deviceStatus } from "@/model/device_status.ts";
import type { LiveSeries } from "@/model/live_events.ts";
import { keepFresh } from "./fresh_parts.ts";
import { follow } from "./live.ts";

export interface FollowedDevice extends DeviceSigns {
  id: string;
}

export interface DeviceLiveProps {
  devices: readonly FollowedDevice[];
  /** The server's clock while it rendered; the browser's may be off. */
  nowMs: number;
  words: Record<DeviceStatus, string>;
  /** Classes of the tags. */
  tones: Record<DeviceStatus, string>;
  /** The page shows every value: one that it does not know yet is fetched. */
  complete?: boolean;
}

const LOOK_MS = 1_000;
/** History follows the log within a second or so. */
const HISTORY_MS = 1_500;

export default function DeviceLive(props: DeviceLiveProps) {
  useEffect(() => keepUpToDate(props), []);
  return null;
}

function keepUpToDate({ devices, nowMs, words, tones, complete }: DeviceLiveProps): () => void {
  const aheadMs = Date.now() - nowMs;
  const known = new Map(devices.map((device) => [device.id, { ...device }]));
  const newest = new Map<string, LiveSeries>();
  const parts = keepFresh(() => newest.forEach(showValue));
  const hear = (id: string) => {
    const device = known.get(id);
    if (device !== undefined) device.lastSeenMs = Date.now() - aheadMs;
    each(`[data-seen="${id}"]`, (place) => {
      const time = place.querySelector("time") ?? document.createElement("time");
      place.replaceChildren(time);
      showAge(time, Date.now());
    });
    show();
  };
  const show = () => {
    for (const device of known.values()) {
      const status = deviceStatus(device, Date.now() - aheadMs);
      each(`[data-status="${device.id}"]`, (tag) => showText(tag, words[status], tones[status]));
    }
  };
  const timer = setInterval(show, LOOK_MS);
  const unfollow = follow({
    devices: [...known.keys()],
    onReadings: (series) => {
      for (const each of series) {
        const { device, measurement } = each;
        if (!known.has(device)) continue;
        newest.set(`${device}/${measurement}`, each);
        if (!showValue(each) && complete) parts.soon(HISTORY_MS);
        hear(device);
      }
    },
    onPrediction: ({ device }) => hear(device),
    onBack: () => parts.soon(HISTORY_MS),
  });
  if (complete && document.querySelector("[data-live]") === null) parts.soon(HISTORY_MS);
  return () => {
    clearInterval(timer);
    parts.stop();
    unfollow();
  };
}

/** False where the page has no place for it. What is older than what is shown leaves it as it is. */
function showValue({ device, measurement, value, atMs, flags }: LiveSeries): boolean {
  return each(`[data-live="${device}/${measurement}"]`, (number) => {
    if (Number(number.dataset.at) > atMs) return;
    number.dataset.at = String(atMs);
    showText(number, formatValue(value));
    const card = number.closest<HTMLElement>(".value-card");
    if (card === null) return;
    card.classList.remove("late");
    showAge(card.querySelector("time")!, atMs);
    if (flags.length === 0) showText(card.querySelector(".tag")!, card.dataset.ok!, "ok");
  });
}

/** Ids and measurements hold nothing that a selector would read otherwise. True where one was found. */
function each(selector: string, act: (element: HTMLElement) => void): boolean {
  const found = document.querySelectorAll<HTMLElement>(selector);
  found.forEach(act);
  return found.length > 0;
}

function showText(element: Element, text: string, tone?: string): void {
  if (element.textContent !== text) element.textContent = text;
  if (tone !== undefined) element.className = `tag ${tone}`;
}

/** `LiveBar` lets the age grow. */
function showAge(time: HTMLTimeElement, atMs: number): void {
  time.dataset.age = String(atMs);
  showText(time, formatAge(atMs, Date.now()));
}
