/** One chart of a panel with uPlot: zoom, a cross-hair shared with the others, live data. */
import uPlot from "uplot";
import { axisText, endLabels, PLOT, scaleOf } from "@/components/ChartPicture.tsx";
import { formatValue } from "@/components/format.ts";
import { thresholdLines } from "@/components/panel_state.ts";
import type { PanelFrame } from "@/components/panel_words.ts";
import { momentLabel, type Scale, timeTicks } from "@/model/chart_scale.ts";
import type { PanelView, SeriesView } from "@/model/dashboard_view.ts";
import { alignedColumn, lonelyPlaces, timesOf } from "./plot_data.ts";

const SYNC_KEY = "dashboard";
const ZOOM_MIN_MS = 2_000;
const PIXELS_PER_TICK = 96;
/** Narrower charts give less room to the names at the ends of lines. */
const NARROW = 480;
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

/** All on the page: a zoom is of all of them. */
const plots = new Set<Plot>();

export class Plot {
  readonly #element: HTMLElement;
  readonly #readout: (texts: (string | null)[], moment: string | null) => void;
  #panel: PanelView;
  #frame: PanelFrame;
  #scale: Scale;
  #chart: uPlot;
  readonly #resizing: ResizeObserver;
  #isZoomed = false;

  constructor(
    element: HTMLElement,
    { panel, frame, readout }: {
      panel: PanelView;
      frame: PanelFrame;
      /** Values under the cross-hair by series, and its moment; null when it is elsewhere. */
      readout: (texts: (string | null)[], moment: string | null) => void;
    },
  ) {
    this.#element = element;
    this.#readout = readout;
    this.#panel = panel;
    this.#frame = frame;
    this.#scale = scaleOf(panel);
    this.#chart = new uPlot(this.#options(), this.#data(), element);
    this.#resizing = new ResizeObserver(() => this.#resize());
    this.#resizing.observe(element);
    plots.add(this);
  }

  /** Newer data of the same panel; what somebody zoomed into stays until its own data come. */
  update(panel: PanelView, frame: PanelFrame): void {
    if (frame.isZoomed) this.#isZoomed = false;
    this.#panel = panel;
    this.#frame = frame;
    this.#scale = scaleOf(panel);
    this.#chart.batch(() => {
      this.#chart.setData(this.#data(), false);
      if (this.#isZoomed) this.#chart.redraw(false, true);
      else this.#showAll();
    });
  }

  /** After a change of colours. */
  redraw(): void {
    this.#chart.redraw(false, true);
  }

  destroy(): void {
    plots.delete(this);
    this.#resizing.disconnect();
    this.#chart.destroy();
  }

  #showAll(): void {
    this.#isZoomed = false;
    const { fromMs, toMs } = this.#frame;
    this.#chart.setScale("x", { min: fromMs / 1000, max: toMs / 1000 });
  }

  #resize(): void {
    const { clientWidth } = this.#element;
    if (clientWidth > 0 && clientWidth !== this.#chart.width) this.#chart.setSize(this.#size());
  }

  #size() {
    const width = Math.max(120, this.#element.clientWidth);
    return { width, height: PLOT.top + PLOT.height + PLOT.axisHeight };
  }

  get #hasEnds(): boolean {
    return this.#panel.kind !== "bar";
  }

  #endWidth(): number {
    if (!this.#hasEnds) return 24;
    return this.#element.clientWidth < NARROW ? 52 : PLOT.endWidth;
  }

  #options(): uPlot.Options {
    const text = () => this.#css("--ink-2");
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const lines = { stroke: () => this.#css("--line"), width: 1 };
    return {
      ...this.#size(),
      padding: [PLOT.top, () => this.#endWidth(), 0, 0],
      legend: { show: false },
      cursor: {
        sync: { key: SYNC_KEY, setSeries: false },
        drag: { x: true, y: false, setScale: true },
        y: false,
        points: { size: 7 },
        // A tap on a phone shows values; dragging over the page scrolls it.
        bind: {
          dblclick: () => () => {
            for (const plot of plots) plot.#showAll();
            this.#frame.zoom?.(null);
            return null;
          },
        },
      },
      scales: {
        x: {
          time: true,
          range: (_chart, min, max) => this.#window(min, max),
        },
        y: { range: () => [this.#scale.min, this.#scale.max] },
      },
      axes: [
        {
          ...{ stroke: text, font, grid: { show: false }, ticks: { show: false } },
          size: PLOT.axisHeight,
          splits: (chart) => this.#timeTicks(chart).map(({ atMs }) => atMs / 1000),
          values: (chart) => this.#timeTicks(chart).map(({ label }) => label),
        },
        {
          ...{ stroke: text, font, grid: lines, ticks: { show: false } },
          size: PLOT.axisWidth,
          splits: () => this.#scale.ticks,
          values: (_chart, splits) => splits.map(axisText),
        },
      ],
      series: [{}, ...this.#panel.series.flatMap((series, i) => this.#lines(series, i))],
      bands: this.#panel.series.flatMap((_, i) => this.#hasBand(i) ? [this.#band(i)] : []),
      hooks: {
        draw: [(chart) => this.#drawOver(chart)],
        setSelect: [(chart) => this.#zoom(chart)],
        setCursor: [(chart) => this.#read(chart)],
      },
    };
  }

  /** While nothing is zoomed uPlot gives the ends of the data: the window is wider. */
  #window(min: number | null, max: number | null): [number, number] {
    const { fromMs, toMs } = this.#frame;
    const isZoom = this.#isZoomed && min !== null && max !== null && max > min;
    return isZoom ? [min, max] : [fromMs / 1000, toMs / 1000];
  }

  #zoom(chart: uPlot): void {
    const { left, width } = chart.select;
    const [fromMs, toMs] = [left, left + width].map((at) => 1000 * chart.posToVal(at, "x"));
    if (fromMs === undefined || toMs === undefined || toMs - fromMs < ZOOM_MIN_MS) return;
    this.#isZoomed = true;
    this.#frame.zoom?.({ fromMs: Math.floor(fromMs), toMs: Math.ceil(toMs) });
  }

  #timeTicks(chart: uPlot) {
    const { min, max } = chart.scales.x ?? {};
    const { timeZone, fromMs, toMs } = this.#frame;
    const window = { fromMs: (min ?? fromMs / 1000) * 1000, toMs: (max ?? toMs / 1000) * 1000 };
    const width = chart.bbox.width / devicePixelRatio;
    const ticksMax = Math.max(2, Math.min(8, Math.floor(width / PIXELS_PER_TICK)));
    return timeTicks(window, { timeZone, ticksMax });
  }

  // --- series -----------------------------------------------------------------------------------

  /** Three for each: its line, and the ends of its band. */
  #lines({ colour }: SeriesView, i: number): uPlot.Series[] {
    const stroke = () => this.#css(`--s${colour}`);
    const hidden: uPlot.Series = { stroke: () => "transparent", width: 0, points: { show: false } };
    const line: uPlot.Series = { stroke, width: 2, dash: DASHES[Math.floor(i / 3) % 4] };
    const single: uPlot.Series.Points = { show: false };
    if (this.#panel.kind === "bar") {
      return [
        { ...line, width: 0, fill: stroke, paths: this.#bars(i), points: single },
        hidden,
        hidden,
      ];
    }
    const points: uPlot.Series.Points = {
      size: 5,
      fill: stroke,
      // Values with a gap on both sides would not be seen.
      filter: (chart, seriesIndex, show) => show ? null : lonelyPlaces(chart.data[seriesIndex]!),
    };
    return [{ ...line, points }, hidden, hidden];
  }

  /** Side by side within their step, as in the server's picture. */
  #bars(i: number): uPlot.Series.PathBuilder {
    return (chart, seriesIndex, first, last) => {
      const { series } = this.#panel;
      const step = (series[i]?.points?.stepMs ?? 0) / 1000;
      const width = 0.8 * step / series.length;
      const fill = new Path2D();
      const base = chart.valToPos(0, "y", true);
      for (let k = first; k <= last; k++) {
        const value = chart.data[seriesIndex]?.[k];
        if (value == null) continue;
        const begin = chart.data[0][k]! + i * width;
        const [left, right] = [begin, begin + width].map((at) => chart.valToPos(at, "x", true));
        const top = chart.valToPos(value, "y", true);
        fill.rect(left!, Math.min(top, base), right! - left!, Math.abs(base - top));
      }
      return { fill, stroke: null };
    };
  }

  #hasBand(i: number): boolean {
    return this.#panel.kind !== "bar" && this.#panel.series[i]?.points !== null;
  }

  #band(i: number): uPlot.Band {
    const { colour } = this.#panel.series[i]!;
    return { series: [3 * i + 3, 3 * i + 2], fill: () => `${this.#css(`--s${colour}`)}2e` };
  }

  /** All steps of the window, so that series of different steps share one axis. */
  #data(): uPlot.AlignedData {
    const columns = this.#panel.series.map(({ points }) => points).filter((each) => each !== null);
    const times = [...new Set(columns.flatMap(timesOf))].sort((a, b) => a - b);
    const place = new Map(times.map((time, i) => [time, i]));
    const rows = this.#panel.series.flatMap((series) => {
      const align = (values: (number | null)[] | undefined) =>
        alignedColumn(series, { values, place, length: times.length });
      const { points } = series;
      return [align(points?.value), align(points?.min), align(points?.max)];
    });
    return [times.map((time) => time / 1000), ...rows] as uPlot.AlignedData;
  }

  // --- over the chart ---------------------------------------------------------------------------

  #drawOver(chart: uPlot): void {
    const { ctx, bbox } = chart;
    const ratio = devicePixelRatio;
    const y = (at: number) => chart.valToPos(at, "y", true);
    ctx.save();
    ctx.lineWidth = ratio;
    ctx.setLineDash([4 * ratio, 5 * ratio]);
    for (const { at, tone } of thresholdLines(this.#panel.thresholds)) {
      if (at < this.#scale.min || at > this.#scale.max) continue;
      ctx.strokeStyle = this.#css(`--${tone}`);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y(at));
      ctx.lineTo(bbox.left + bbox.width, y(at));
      ctx.stroke();
    }
    ctx.setLineDash([]);
    this.#drawEnds(chart);
    ctx.restore();
  }

  #drawEnds({ ctx, bbox }: uPlot): void {
    const ratio = devicePixelRatio;
    ctx.font = `${12 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    const room = (this.#endWidth() - 8) * ratio;
    for (const { label, colour, at } of endLabels(this.#panel, this.#scale)) {
      ctx.fillStyle = this.#css(`--s${colour}`);
      ctx.fillText(fitting(ctx, label, room), bbox.left + bbox.width + 6 * ratio, at * ratio);
    }
  }

  #read(chart: uPlot): void {
    const { idx, left } = chart.cursor;
    const isHere = idx !== null && idx !== undefined && (left ?? -1) >= 0;
    if (!isHere) return this.#readout(this.#panel.series.map(() => null), null);
    const at = chart.data[0][idx]! * 1000;
    const texts = this.#panel.series.map(({ unit }, i) => {
      const value = chart.data[3 * i + 1]?.[idx];
      return value == null ? "–" : [formatValue(value), unit].filter(Boolean).join("\u202f");
    });
    const { timeZone, fromMs, toMs } = this.#frame;
    this.#readout(texts, momentLabel(at, timeZone, toMs - fromMs));
  }

  #css(name: string): string {
    return getComputedStyle(this.#element).getPropertyValue(name).trim();
  }
}

function fitting(ctx: CanvasRenderingContext2D, text: string, room: number): string {
  if (ctx.measureText(text).width <= room) return text;
  let length = text.length - 1;
  while (length > 1 && ctx.measureText(`${text.slice(0, length)}…`).width > room) length--;
  return `${text.slice(0, length)}…`;
}
