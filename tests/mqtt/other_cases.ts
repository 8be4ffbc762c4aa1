/** Statements that tests outside the scripts show; each name is that of its test. */

export interface OtherCase {
  name: string;
  covers: string[];
}

export const OTHER_CASES: readonly OtherCase[] = [
  { name: "WebSocket: the subprotocol is mqtt", covers: ["4:6.0.0-4", "5:6.0.0-4"] },
  { name: "WebSocket: packets come in binary frames", covers: ["4:6.0.0-1", "5:6.0.0-1"] },
  { name: "WebSocket: a text frame ends the connection", covers: ["4:6.0.0-1", "5:6.0.0-1"] },
  {
    name: "WebSocket: frames and packets need not begin together",
    covers: ["4:6.0.0-2", "5:6.0.0-2"],
  },
];
