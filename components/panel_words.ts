/** The words of panels, as plain data: islands get them with their props. */
export interface PanelWords {
  ok: string;
  late: string;
  noData: string;
  implausible: string;
  noValueSince: string;
  never: string;
  nothingInWindow: string;
  nothingCounted: string;
  day: string;
  table: string;
  zoomed: string;
  showAll: string;
  device: string;
  measurement: string;
  now: string;
  min: string;
  mean: string;
  max: string;
  seen: string;
  time: string;
  state: string;
}

/** What all panels of a dashboard are drawn by. */
export interface PanelFrame {
  nowMs: number;
  /** Ends of what charts show; after a zoom not now. */
  fromMs: number;
  toMs: number;
  isZoomed: boolean;
  /** Looks closer at a part, at all of it again (null); absent where nothing can be zoomed. */
  zoom?: (window: { fromMs: number; toMs: number } | null) => void;
  /** IANA name. */
  timeZone: string;
  /** Of the window: "1 h". */
  range: string;
  words: PanelWords;
}
