/**
 * Looks through a write-ahead log before SQLite does. SQLite takes the frames up to the first one whose
 * checksum is wrong and forgets the rest without a word: right after a torn write, wrong after damage,
 * because those frames hold commits that were acknowledged.
 *
 * Header, 32 bytes: magic, version, page size, checkpoint number, two salts, two checksums. Frame:
 * page number, size after commit, the two salts, two checksums, then the page. Frames of an earlier
 * round carry other salts and are no part of the log. Fields are big-endian; the last bit of the magic
 * says in which order checksums read words (SQLite file format, section 4).
 */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;

export interface WalScan {
  /** Frames that SQLite will use. */
  usable: number;
  /** Frames of this round behind the first wrong one, that one not counted. */
  unreachable: number;
  /** The header itself is wrong: SQLite will use nothing. */
  headerDamaged: boolean;
}

/** Scans the file; null when there is none or it is empty. */
export function scanWal(path: string): WalScan | null {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(path);
  } catch {
    return null;
  }
  return bytes.length === 0 ? null : scanWalBytes(bytes);
}

export function scanWalBytes(bytes: Uint8Array): WalScan {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isHeaderGood(view)) return { usable: 0, unreachable: 0, headerDamaged: true };
  const frameBytes = FRAME_HEADER_BYTES + view.getUint32(8);
  const littleEndian = (view.getUint32(0) & 1) === 0;
  let sums: Sums = [view.getUint32(24), view.getUint32(28)];
  let usable = 0;
  let at = HEADER_BYTES;
  for (; at + frameBytes <= bytes.length; at += frameBytes) {
    if (!hasSalts(view, at)) break;
    sums = checksum(view, { at, bytes: 8, littleEndian }, sums);
    const page = { at: at + FRAME_HEADER_BYTES, bytes: frameBytes - FRAME_HEADER_BYTES };
    sums = checksum(view, { ...page, littleEndian }, sums);
    if (sums[0] !== view.getUint32(at + 16) || sums[1] !== view.getUint32(at + 20)) break;
    usable++;
  }
  let unreachable = 0;
  for (at += frameBytes; at + frameBytes <= bytes.length; at += frameBytes) {
    if (hasSalts(view, at)) unreachable++;
  }
  return { usable, unreachable, headerDamaged: false };
}

type Sums = [number, number];

function isHeaderGood(view: DataView): boolean {
  if (view.byteLength < HEADER_BYTES) return false;
  const magic = view.getUint32(0);
  const pageBytes = view.getUint32(8);
  if ((magic & ~1) !== MAGIC || pageBytes < 512 || pageBytes > 65_536) return false;
  const part = { at: 0, bytes: 24, littleEndian: (magic & 1) === 0 };
  const [first, second] = checksum(view, part, [0, 0]);
  return first === view.getUint32(24) && second === view.getUint32(28);
}

function hasSalts(view: DataView, at: number): boolean {
  return view.getUint32(at + 8) === view.getUint32(16) &&
    view.getUint32(at + 12) === view.getUint32(20);
}

function checksum(
  view: DataView,
  { at, bytes, littleEndian }: { at: number; bytes: number; littleEndian: boolean },
  [first, second]: Sums,
): Sums {
  for (let i = at; i < at + bytes; i += 8) {
    first = (first + view.getUint32(i, littleEndian) + second) >>> 0;
    second = (second + view.getUint32(i + 4, littleEndian) + first) >>> 0;
  }
  return [first, second];
}
