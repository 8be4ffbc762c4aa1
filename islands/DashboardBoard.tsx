/**
 * All panels of a dashboard, kept up to date: live by what devices send, or read again at an interval.
 * One request reads the whole dashboard; it is made again after a loss of the connection.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { ChartPicture, type ChartProps } from "@/components/ChartPicture.tsx";
import { PanelGrid } from "@/components/PanelCard.tsx";
import type { PanelFrame, PanelWords } from "@/components/panel_words.ts";
import { momentLabel } from "@/model/chart_scale.ts";
import { type DashboardView, windowAt, withReadings } from "@/model/dashboard_view.ts";
import { follow } from "./live.ts";
import { Plot } from "./plot.ts";

/** What only the server can work out is read again at most so often. */
const REREAD_MS = 5_000;
/** Means that go on live, and how often a device sends, are made exact again. */
const CORRECTION_MS = 60_000;
/** So often ages and windows move on when nothing arrives. */
const CLOCK_MS = 2_000;
/** A point for two pixels: more would be a smear instead of a line in its band. */
const PIXELS_PER_POINT = 2;
const POINTS_MAX = 1_000;
/** More are followed by their devices. */
const SERIES_FOLLOWED_MAX = 60;
/** Finer data are worth a request from so many times the points of the first page on. */
const FINER = 1.3;

export interface DashboardBoardProps {
  id: string;
  /** A `DashboardView` as JSON: half of what its numbers take as properties of an island. */
  data: string;
  /** Key of the window in URLs: `1h`. */
  range: string;
  rangeText: string;
  rangeMs: number;
  /** Null: live. */
  refreshMs: number | null;
  firstPoints: number;
  timeZone: string;
  words: PanelWords;
}

export default function DashboardBoard(props: DashboardBoardProps) {
  const [view, setView] = useState<DashboardView>(() => JSON.parse(props.data));
  const [timeZone, setTimeZone] = useState(props.timeZone);
  const box = useRef<HTMLDivElement>(null);
  const zoom = useRef<PanelFrame["zoom"]>(undefined);
  useEffect(() => {
    const board = new Board({ ...props, view }, {
      show: setView,
      width: () => chartWidth(box.current),
    });
    board.start();
    zoom.current = (window) => board.zoomSoon(window);
    setTimeZone(ownTimeZone());
    return () => board.stop();
  }, []);
  const isKnown = view.panels.some(({ series }) => series.some(({ known }) => known));
  useEffect(() => {
    if (isKnown) hideWaiting();
  }, [isKnown]);
  const { atMs: nowMs, fromMs, toMs, isZoomed } = view;
  const frame: PanelFrame = {
    ...{ nowMs, fromMs, toMs, isZoomed, timeZone, words: props.words },
    range: isZoomed ? windowText({ fromMs, toMs }, timeZone) : props.rangeText,
    zoom: (window) => zoom.current?.(window),
  };
  return (
    <div ref={box} data-points={mostPoints(view)}>
      <PanelGrid view={view} frame={frame} Chart={LiveChart} />
      {isZoomed && <ZoomNote frame={frame} />}
    </div>
  );
}

/** What the page says while nothing was ever received. */
function hideWaiting(): void {
  for (const card of document.querySelectorAll<HTMLElement>(".waiting")) card.hidden = true;
}

/** The way back for who has no mouse for a double click. */
function ZoomNote({ frame: { words, range, zoom } }: { frame: PanelFrame }) {
  return (
    <div class="zoom-note" role="status">
      <span>{words.zoomed} {range}</span>
      <button type="button" class="button" onClick={() => zoom?.(null)}>{words.showAll}</button>
    </div>
  );
}

function windowText({ fromMs, toMs }: ShownWindow, timeZone: string): string {
  const [from, to] = [fromMs, toMs].map((at) => momentLabel(at, timeZone, toMs - fromMs));
  return `${from}\u202f–\u202f${to}`;
}

/** At the first visit the server does not know it yet. */
function ownTimeZone(): string {
  const chosen = /(?:^|; )sluice_tz=([^;]*)/.exec(document.cookie)?.[1];
  return chosen === undefined
    ? Intl.DateTimeFormat().resolvedOptions().timeZone
    : decodeURIComponent(chosen);
}

function mostPoints({ panels }: DashboardView): number {
  return Math.max(
    0,
    ...panels.flatMap(({ series }) => series.map(({ points }) => points?.value.length ?? 0)),
  );
}

function chartWidth(box: HTMLElement | null): number {
  const charts = [...box?.querySelectorAll(".u-over, .timeline-states") ?? []];
  return Math.max(0, ...charts.map(({ clientWidth }) => clientWidth));
}

interface ShownWindow {
  fromMs: number;
  toMs: number;
}

type BoardOptions = DashboardBoardProps & { view: DashboardView };

interface BoardParts {
  show: (view: DashboardView) => void;
  width: () => number;
}

/** Keeps a view true between the server's answers. */
class Board {
  readonly #props: BoardOptions;
  readonly #parts: BoardParts;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #view: DashboardView;
  /** The server's clock minus the browser's. */
  #aheadMs: number;
  #unfollow: () => void = () => {};
  #rereading: ReturnType<typeof setTimeout> | undefined;
  #reading: AbortController | null = null;
  #zoom: ShownWindow | null = null;
  #zooming: ReturnType<typeof setTimeout> | undefined;

  constructor(props: BoardOptions, parts: BoardParts) {
    this.#props = props;
    this.#parts = parts;
    this.#view = props.view;
    this.#aheadMs = props.view.atMs - Date.now();
  }

  start(): void {
    const { refreshMs } = this.#props;
    if (refreshMs === null) this.#goLive();
    this.#timers.push(
      setInterval(() => void this.read(), refreshMs ?? CORRECTION_MS),
      setInterval(() => this.#moveOn(), CLOCK_MS),
    );
    if (this.#pointsMax() > FINER * this.#props.firstPoints) void this.read();
  }

  stop(): void {
    this.#unfollow();
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#rereading);
    clearTimeout(this.#zooming);
    this.#reading?.abort();
  }

  /** All charts tell of the same zoom: one request. */
  zoomSoon(window: ShownWindow | null): void {
    clearTimeout(this.#zooming);
    this.#zooming = setTimeout(() => this.#zoomTo(window), 0);
  }

  #zoomTo(window: ShownWindow | null): void {
    this.#zoom = window;
    this.#reading?.abort();
    this.#reading = null;
    if (window === null) this.#showAll();
    void this.read();
  }

  /** What is known of it, until the answer is there. */
  #showAll(): void {
    const atMs = this.#nowMs();
    const fromMs = atMs - this.#props.rangeMs;
    this.#set({ ...this.#view, atMs, fromMs, toMs: atMs, isZoomed: false });
  }

  #goLive(): void {
    const wanted = this.#view.panels.flatMap(({ series }) => series);
    const series = new Set(wanted.map(({ device, measurement }) => `${device}/${measurement}`));
    const devices = [...new Set(wanted.map(({ device }) => device))];
    this.#unfollow = follow({
      // They travel in an address.
      ...(series.size <= SERIES_FOLLOWED_MAX ? { series: [...series] } : { devices }),
      onReadings: (readings) => {
        const ours = readings.filter((each) => series.has(`${each.device}/${each.measurement}`));
        if (ours.length === 0) return;
        this.#set(withReadings(this.#view, ours, this.#nowMs()));
        if (this.#zoom === null && needsServer(this.#view)) this.#rereadSoon();
      },
      onBack: () => void this.read(),
    });
  }

  #rereadSoon(): void {
    this.#rereading ??= setTimeout(() => {
      this.#rereading = undefined;
      void this.read();
    }, REREAD_MS);
  }

  #nowMs(): number {
    return Date.now() + this.#aheadMs;
  }

  #pointsMax(): number {
    return Math.min(POINTS_MAX, Math.floor(this.#parts.width() / PIXELS_PER_POINT));
  }

  /** A failure leaves what is shown: the bar above tells when the gateway is away. */
  async read(): Promise<void> {
    // A slow answer is waited for: asking again would only make it slower.
    if (this.#reading !== null) return;
    const reading = new AbortController();
    this.#reading = reading;
    try {
      const response = await fetch(this.#url(), { signal: reading.signal });
      if (!response.ok) return;
      const view: DashboardView = await response.json();
      if (this.#reading !== reading) return;
      this.#aheadMs = view.atMs - Date.now();
      this.#set(view);
    } catch (error) {
      const isExpected = reading.signal.aborted || error instanceof TypeError;
      if (!isExpected) throw error;
    } finally {
      if (this.#reading === reading) this.#reading = null;
    }
  }

  #url(): string {
    const { id, range, firstPoints } = this.#props;
    const points = String(Math.max(firstPoints, this.#pointsMax()));
    const window: Record<string, string> = this.#zoom === null
      ? { range }
      : { from: String(this.#zoom.fromMs), to: String(this.#zoom.toMs) };
    const query = new URLSearchParams({ ...window, points });
    return `/api/dashboards/${encodeURIComponent(id)}/data?${query}`;
  }

  #moveOn(): void {
    const atMs = this.#nowMs();
    this.#set({ ...this.#view, atMs, ...windowAt(this.#view, atMs) });
  }

  #set(view: DashboardView): void {
    this.#view = view;
    this.#parts.show(view);
  }
}

/** Sums over a window lose at its beginning what only the server knows. */
function needsServer({ panels }: DashboardView): boolean {
  return panels.some(({ series }) => series.some(({ isNewest, known }) => known && !isNewest));
}

/** The server's picture until the chart stands in its place. */
function LiveChart({ panel, frame }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const [ready, setReady] = useState(false);
  useEffect(() => {
    const element = place.current!;
    const readout = (texts: (string | null)[], moment: string | null) =>
      showReadout(element, texts, moment);
    plot.current = new Plot(element, { panel, frame, readout });
    setReady(true);
    const unwatch = watchColours(() => plot.current?.redraw());
    return () => {
      unwatch();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.update(panel, frame), [panel, frame.toMs, frame.timeZone]);
  return (
    <>
      {!ready && <ChartPicture panel={panel} frame={frame} />}
      <div ref={place} class="plot" />
      <div class="readout" aria-hidden="true" />
    </>
  );
}

/** Straight into the page: a moving mouse must not render the dashboard. */
function showReadout(place: HTMLElement, texts: (string | null)[], moment: string | null): void {
  const card = place.closest(".card");
  const readout = card?.querySelector(".readout");
  if (readout == null) return;
  const legend = [...card?.querySelectorAll(".legend-entry") ?? []];
  const names = legend.map((entry) => entry.childNodes[1]?.textContent?.trim() ?? "");
  const values = texts.map((text, i) => texts.length > 1 ? `${names[i]} ${text}` : text);
  readout.textContent = moment === null ? "" : `${moment}  ${values.join("  ")}`;
}

/** The system's theme, and the one that somebody chooses. */
function watchColours(act: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = new MutationObserver(act);
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  system.addEventListener("change", act);
  return () => {
    chosen.disconnect();
    system.removeEventListener("change", act);
  };
}
