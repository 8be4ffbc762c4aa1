/**
 * A growing byte buffer that packets are appended to. Lengths that are known only afterwards are
 * written by `open` and `close`: one byte is kept free and the content moved when it needs more,
 * which is rare (127 bytes fit) and cheaper than measuring every packet twice.
 */

const encoder = new TextEncoder();

export class WireWriter {
  bytes: Uint8Array;
  position = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes. */
  ensure(count: number): void {
    const needed = this.position + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.position));
    this.bytes = grown;
  }

  u8(value: number): void {
    this.ensure(1);
    this.bytes[this.position++] = value;
  }

  u16(value: number): void {
    this.ensure(2);
    this.bytes[this.position++] = value >> 8;
    this.bytes[this.position++] = value;
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value & 0xffff);
  }

  variableByteInteger(value: number): void {
    this.ensure(4);
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.position++] = rest & 0x7f | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.position++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.bytes.set(bytes, this.position);
    this.position += bytes.length;
  }

  binary(bytes: Uint8Array): void {
    if (bytes.length > 0xffff) {
      throw new RangeError(`Cannot encode ${bytes.length} bytes: over 65535`);
    }
    this.u16(bytes.length);
    this.raw(bytes);
  }

  string(text: string): void {
    this.ensure(2 + text.length * 3);
    const start = this.position;
    const { written } = encoder.encodeInto(text, this.bytes.subarray(start + 2));
    if (written > 0xffff) {
      throw new RangeError(`Cannot encode text of ${written} bytes: over 65535`);
    }
    this.bytes[start] = written >> 8;
    this.bytes[start + 1] = written;
    this.position = start + 2 + written;
  }

  /** Starts a part whose length is written before it; pass the mark to `close`. */
  open(): number {
    this.u8(0);
    return this.position;
  }

  /** Writes the length of what was appended since `open` in front of it. */
  close(mark: number): void {
    const length = this.position - mark;
    const extra = variableByteIntegerSize(length) - 1;
    if (extra > 0) {
      this.ensure(extra);
      this.bytes.copyWithin(mark + extra, mark, this.position);
    }
    this.position = mark - 1;
    this.variableByteInteger(length);
    this.position += length;
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.position);
  }
}

/** Bytes that `value` takes as variable byte integer: 1…4. */
export function variableByteIntegerSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : 4;
}
