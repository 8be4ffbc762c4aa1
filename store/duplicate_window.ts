/**
 * The last 4096 numbered messages of one device, as (sequence number, hash of time and payload).
 *
 * Layout: a ring of 64 blocks of 64 entries, 1 KiB each; entry i is `block[2i]`, `block[2i + 1]`. Only
 * the block that is written and, for a scan, the others are in memory. A sequence number above the
 * highest is new without any scan: the usual case. `highest` may be too high (the entry that set it
 * has left the ring); that costs scans, never an answer.
 *
 * A message is taken for a duplicate by mistake when device, sequence number and a 53-bit hash agree:
 * with 4096 entries of the same number that is 4096 / 2^53, about one in 2 · 10^12.
 */

export const BLOCK_ENTRIES = 64;
export const BLOCKS = 64;
export const WINDOW_ENTRIES = BLOCK_ENTRIES * BLOCKS;
/** Memory of one block in use, bytes: 64 × two doubles. */
export const BLOCK_BYTES = BLOCK_ENTRIES * 16;

export class DuplicateWindow {
  /** Messages ever entered; the next one goes to `position % WINDOW_ENTRIES`. */
  position: number;
  highest: number;
  readonly #blocks: Map<number, Float64Array<ArrayBuffer>> = new Map();
  readonly #dirty: Set<number> = new Set();
  readonly #load: (block: number) => Uint8Array | null;

  /** `load` reads a block that is not in memory; null when it was never written. */
  constructor(
    { position, highest }: { position: number; highest: number },
    load: (block: number) => Uint8Array | null,
  ) {
    this.position = position;
    this.highest = highest;
    this.#load = load;
  }

  get blocksInMemory(): number {
    return this.#blocks.size;
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** True when the message is in the window; otherwise enters it and answers false. */
  enter(seq: number, hash: number): boolean {
    if (seq <= this.highest && this.#find(seq, hash)) return true;
    this.record(seq, hash);
    return false;
  }

  /** Enters a message without looking for it: it is known to be in the log. */
  record(seq: number, hash: number): void {
    const place = this.position % WINDOW_ENTRIES;
    const blockIndex = Math.floor(place / BLOCK_ENTRIES);
    const block = this.#block(blockIndex);
    const entry = place % BLOCK_ENTRIES;
    block[2 * entry] = seq;
    block[2 * entry + 1] = hash;
    this.#dirty.add(blockIndex);
    this.position++;
    if (seq > this.highest) this.highest = seq;
  }

  #block(index: number): Float64Array<ArrayBuffer> {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    const block = new Float64Array(2 * BLOCK_ENTRIES);
    const stored = this.#load(index);
    if (stored !== null) new Uint8Array(block.buffer).set(stored.subarray(0, BLOCK_BYTES));
    this.#blocks.set(index, block);
    return block;
  }

  /** Looks at every entry, and finds the true highest number on the way. */
  #find(seq: number, hash: number): boolean {
    const filled = Math.min(this.position, WINDOW_ENTRIES);
    let highest = -Infinity;
    for (let start = 0; start < filled; start += BLOCK_ENTRIES) {
      const block = this.#block(start / BLOCK_ENTRIES);
      const end = 2 * Math.min(BLOCK_ENTRIES, filled - start);
      for (let i = 0; i < end; i += 2) {
        const entry = block[i] ?? 0;
        if (entry === seq && block[i + 1] === hash) return true;
        if (entry > highest) highest = entry;
      }
    }
    this.highest = highest;
    return false;
  }

  /** Blocks written since they were last saved, as they are stored. */
  *dirtyBlocks(): Generator<{ block: number; entries: Uint8Array }> {
    for (const block of this.#dirty) {
      yield { block, entries: new Uint8Array(this.#block(block).buffer) };
    }
  }

  /** Everything is stored: keeps only the block that is written next. */
  saved(): void {
    this.#dirty.clear();
    const current = Math.floor((this.position % WINDOW_ENTRIES) / BLOCK_ENTRIES);
    for (const index of this.#blocks.keys()) {
      if (index !== current) this.#blocks.delete(index);
    }
  }
}

/**
 * 53-bit hash of what makes two messages of one number equal: the sender's time and the payload.
 * Two multiplicative 32-bit lanes over UTF-16 code units; not for secrets.
 */
export function messageHash(payload: string, sentUs: number | null, sentNs: number): number {
  let high = 0x9e3779b9;
  let low = 0x85ebca6b;
  if (sentUs !== null) {
    const upper = Math.floor(sentUs / 0x1_0000_0000);
    high = Math.imul(high ^ upper, 0xc2b2ae35) ^ sentNs;
    low = Math.imul(low ^ (sentUs - upper * 0x1_0000_0000), 0x27d4eb2f) ^ (sentNs + 1);
  }
  for (let i = 0; i < payload.length; i++) {
    const unit = payload.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x9e3779b1);
    low = Math.imul(low ^ unit, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  // 21 bits over 32 bits
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0);
}
