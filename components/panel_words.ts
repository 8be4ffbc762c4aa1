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
  fromMs: number;
  /** IANA name. */
  timeZone: string;
  /** Of the window: "1 h". */
  range: string;
  words: PanelWords;
}
