/** Settings that turn a decoded message into readings; plain data, the same in every thread. */
export interface NormalizeRules {
  /** Closed interval per measurement; a value outside is kept and flagged `implausible`. */
  plausible: Record<string, [min: number, max: number]>;
  /** Unit per measurement, over the table of well-known ones. */
  units: Record<string, string>;
  /** Unit per device and measurement, over all others. */
  deviceUnits: Record<string, Record<string, string>>;
  /** Names for the nodes of a LoRa receiver: `{ N3: { node1: "greenhouse" } }`. */
  receivers: Record<string, Record<string, string>>;
  /** Event time older than reception by more than this is flagged `late`, ms. */
  lateAfterMs: number;
}
