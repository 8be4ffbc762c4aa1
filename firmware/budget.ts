/**
 * What the images may cost, in bytes; the tests hold them to it. The chip has 256 KB for code (the
 * rest of its flash is the event log) and 128 KB of RAM: a budget is what a change must argue
 * about, not what would still fit.
 */
export interface Budget {
  /** Code and constants. */
  text: number;
  data: number;
  bss: number;
  /** High-water mark of the stack after the node's longest test. */
  stack: number;
}

export const BUDGETS: Record<1 | 2 | 3, Budget> = {
  1: { text: 22 * 1024, data: 256, bss: 12 * 1024, stack: 2048 },
  2: { text: 22 * 1024, data: 256, bss: 16 * 1024, stack: 2048 },
  3: { text: 26 * 1024, data: 256, bss: 28 * 1024, stack: 3072 },
};

/** Instructions of one inference, all layers; 1 000 000 are some 8 ms at 168 MHz. */
export const INFERENCE_INSTRUCTIONS_BUDGET = 1_000_000;

/** Longest pass of node 3's main loop, waits for the emulator's tunnel left out. */
export const PASS_US_BUDGET = 5000;
