/**
 * The page's one live connection. Islands say what they follow while they start; the connection is
 * opened for all of them at once, and again when what is followed changes. The browser reconnects by
 * itself; after a loss `onBack` tells islands to read again what they show.
 */
import { useEffect, useState } from "preact/hooks";
import type { DeliveryView, LiveHello, LivePrediction, LiveSeries } from "@/model/live_events.ts";

export interface LiveNeeds {
  /** Everything of these devices; "all" of every device. */
  devices?: readonly string[] | "all";
  /** `device/measurement`. */
  series?: readonly string[];
  onReadings?: (series: readonly LiveSeries[]) => void;
  onPrediction?: (prediction: LivePrediction) => void;
  onDelivery?: (view: DeliveryView) => void;
  /** The connection is back after a loss. */
  onBack?: () => void;
}

export interface LiveState {
  state: "connecting" | "live" | "lost";
  /** While it is lost: when something came last, ms since 1970. */
  lastMs: number;
}

/** Nothing for this long, and the connection counts as lost: beats come every 5 s. */
const SILENCE_MS = 12_000;
const CHECK_MS = 1_000;
const RETRY_MS = 1_000;

const needs = new Set<LiveNeeds>();
let source: EventSource | null = null;
let asked = "";
let hello: LiveHello | null = null;
let opening: ReturnType<typeof setTimeout> | undefined;
let checking: ReturnType<typeof setInterval> | undefined;

/** When something came last, ms since 1970. */
let lastMs = Date.now();
let shown: LiveState = { state: "connecting", lastMs };
const watchers = new Set<(now: LiveState) => void>();

/** Tells the state of the connection now and at each change, until the returned function is called. */
export function watchLiveState(watcher: (now: LiveState) => void): () => void {
  watchers.add(watcher);
  watcher(shown);
  return () => {
    watchers.delete(watcher);
  };
}

/** The same for an island that draws by it. */
export function useLiveState(): LiveState {
  const [state, setState] = useState(shown);
  useEffect(() => watchLiveState(setState), []);
  return state;
}

/** Told when it changes only: what arrives while the page is live draws no banner anew. */
function tell(state: LiveState["state"]): void {
  if (shown.state === state) return;
  shown = { state, lastMs };
  for (const watcher of watchers) watcher(shown);
}

/** Follows until the returned function is called; for an island's effect. */
export function follow(need: LiveNeeds): () => void {
  needs.add(need);
  plan();
  return () => {
    needs.delete(need);
    plan();
  };
}

/** Islands start one after the other: their needs become one request. */
function plan(): void {
  clearTimeout(opening);
  opening = setTimeout(open, 0);
}

function open(): void {
  const url = urlOf([...needs]);
  if (url === asked && source !== null && source.readyState !== EventSource.CLOSED) return;
  source?.close();
  asked = url;
  source = new EventSource(url);
  source.addEventListener("error", () => {
    tell("lost");
    // After an answer that is no stream (503 while it restarts, 401 after the session's end) the
    // browser gives up by itself.
    if (source?.readyState === EventSource.CLOSED) void retry();
  });
  listen(source);
  checking ??= setInterval(checkSilence, CHECK_MS);
}

/** Again, unless the session is over: an EventSource does not tell why it was refused. */
async function retry(): Promise<void> {
  const status = await fetch("/api/auth/profile").then(({ status }) => status, () => 0);
  if (status === 401) return reload();
  clearTimeout(opening);
  opening = setTimeout(open, RETRY_MS);
}

/** The page anew, by GET also where a form led to it; signed out that is the sign-in. */
function reload(): void {
  location.replace(location.pathname + location.search);
}

function urlOf(all: LiveNeeds[]): string {
  const query = new URLSearchParams();
  const add = (key: string, names: readonly string[]) => {
    if (names.length > 0) query.set(key, [...new Set(names)].sort().map(encodeURIComponent).join());
  };
  add("series", all.flatMap(({ series = [] }) => series));
  if (all.some(({ devices }) => devices === "all")) query.set("all", "1");
  else add("devices", all.flatMap(({ devices = [] }) => devices));
  if (all.some(({ onPrediction }) => onPrediction)) query.set("predictions", "1");
  if (all.some(({ onDelivery }) => onDelivery)) query.set("delivery", "1");
  return `/api/live?${query}`;
}

function listen(from: EventSource): void {
  const on = <Data>(event: string, act: (data: Data) => void) =>
    from.addEventListener(event, (message) => {
      if (from !== source) return;
      gain(event === "hello");
      act(JSON.parse((message as MessageEvent<string>).data));
    });
  on<LiveHello>("hello", meet);
  on<{ series: LiveSeries[] }>("readings", ({ series }) => {
    for (const { onReadings } of needs) onReadings?.(series);
  });
  on<LivePrediction>("prediction", (prediction) => {
    for (const { onPrediction } of needs) onPrediction?.(prediction);
  });
  on<DeliveryView>("delivery", (view) => {
    for (const { onDelivery } of needs) onDelivery?.(view);
  });
  on("beat", () => {});
}

/** Another build has other pages and scripts: load them. */
function meet(now: LiveHello): void {
  if (hello !== null && hello.buildId !== now.buildId) reload();
  hello = now;
}

function gain(isHello: boolean): void {
  const wasLost = shown.state === "lost";
  lastMs = Date.now();
  tell("live");
  if (isHello && wasLost) { for (const { onBack } of needs) onBack?.(); }
}

/** A connection whose other end vanished without a word: the browser would wait for minutes. */
function checkSilence(): void {
  if (shown.state !== "live" || Date.now() - lastMs < SILENCE_MS) return;
  tell("lost");
  source?.close();
  open();
}
