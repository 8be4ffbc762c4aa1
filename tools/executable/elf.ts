/**
 * Adds one loadable segment to a 64-bit little-endian position-independent ELF file and lets the
 * program begin there.
 *
 * Layout afterwards: the file as it was, zeros up to the next 64 KiB, the segment. Its entry in the
 * table of segments takes the place of the PT_NOTE, which only names the build, because the table
 * cannot grow; it stands after the last PT_LOAD, as the format wants them in order of address.
 * Section headers, and with them symbols for debuggers, stay valid. 64 KiB is the largest page of
 * both machines.
 */

const PAGE_BYTES = 0x10000;

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_NOTE = 4;
const READ_AND_EXECUTE = 4 | 1;

const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_RELA = 7;
const DT_RELASZ = 8;

/** e_machine, and the relocation that puts a symbol's address into a word. */
const MACHINES = {
  "linux-x64": { machine: 62, globDat: 6 },
  "linux-arm64": { machine: 183, globDat: 1025 },
} as const;

const ENTRY_BYTES = 56;
const RELOCATION_BYTES = 24;
const SYMBOL_BYTES = 24;

interface Segment {
  type: number;
  flags: number;
  offset: number;
  address: number;
  fileBytes: number;
  memoryBytes: number;
  align: number;
}

/** Addresses as the file has them, before the kernel places it. */
export interface Place {
  /** Where the new segment will lie. */
  address: number;
  /** Where the program began. */
  start: number;
  /** The word that holds the address of libc's `environ` once the program is linked. */
  environSlot: number;
}

/** Returns a new file; `make` gives the segment's bytes, which begin with its first instruction. */
export function addSegment(
  elf: Uint8Array,
  target: keyof typeof MACHINES,
  make: (place: Place) => Uint8Array,
): Uint8Array {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  checkHeader(view, target);
  const segments = readSegments(view);
  const address = roundUp(Math.max(...loads(segments).map((s) => s.address + s.memoryBytes)));
  const offset = roundUp(elf.length);
  const bytes = make({
    address,
    start: word(view, 24),
    environSlot: findSlot(view, { segments, name: "environ", type: MACHINES[target].globDat }),
  });
  const added = new Uint8Array(offset + bytes.length);
  added.set(elf);
  added.set(bytes, offset);
  const size = bytes.length;
  writeSegments(
    new DataView(added.buffer),
    withLoad(segments, {
      ...{ type: PT_LOAD, flags: READ_AND_EXECUTE, align: PAGE_BYTES },
      ...{ offset, address, fileBytes: size, memoryBytes: size },
    }),
  );
  new DataView(added.buffer).setBigUint64(24, BigInt(address), true);
  return added;
}

function checkHeader(view: DataView, target: keyof typeof MACHINES): void {
  const isElf = view.byteLength > 64 && view.getUint32(0) === 0x7f454c46;
  const is64BitLittleEndian = isElf && view.getUint16(4) === 0x0201;
  const isPositionIndependent = is64BitLittleEndian && view.getUint16(16, true) === 3;
  if (!isPositionIndependent || view.getUint16(54, true) !== ENTRY_BYTES) {
    throw new Error("Cannot add a segment: not a 64-bit position-independent ELF executable");
  }
  const machine = view.getUint16(18, true);
  if (machine === MACHINES[target].machine) return;
  throw new Error(
    `Cannot add a segment for ${target}: the file is for machine ${machine}, ` +
      `not ${MACHINES[target].machine}`,
  );
}

function readSegments(view: DataView): Segment[] {
  const table = word(view, 32);
  return Array.from({ length: view.getUint16(56, true) }, (_, i) => {
    const at = table + i * ENTRY_BYTES;
    return {
      type: view.getUint32(at, true),
      flags: view.getUint32(at + 4, true),
      offset: word(view, at + 8),
      address: word(view, at + 16),
      fileBytes: word(view, at + 32),
      memoryBytes: word(view, at + 40),
      align: word(view, at + 48),
    };
  });
}

function withLoad(segments: Segment[], load: Segment): Segment[] {
  const note = segments.find(({ type }) => type === PT_NOTE);
  if (note === undefined) throw new Error("Cannot add a segment: no PT_NOTE to take the place of");
  const kept = segments.filter((segment) => segment !== note);
  const last = kept.findLastIndex(({ type }) => type === PT_LOAD);
  return kept.toSpliced(last + 1, 0, load);
}

function writeSegments(view: DataView, segments: Segment[]): void {
  const table = word(view, 32);
  for (const [i, segment] of segments.entries()) {
    const at = table + i * ENTRY_BYTES;
    view.setUint32(at, segment.type, true);
    view.setUint32(at + 4, segment.flags, true);
    const { offset, address, fileBytes, memoryBytes, align } = segment;
    // The physical address, which nobody uses, is the same as the virtual one.
    for (const [j, value] of [offset, address, address, fileBytes, memoryBytes, align].entries()) {
      view.setBigUint64(at + 8 + j * 8, BigInt(value), true);
    }
  }
}

/** The address of the word that the dynamic linker fills with the address of a symbol. */
function findSlot(
  view: DataView,
  { segments, name, type }: { segments: Segment[]; name: string; type: number },
): number {
  const dynamic = readDynamic(view, segments);
  const [relocations, symbols, names] = [DT_RELA, DT_SYMTAB, DT_STRTAB]
    .map((tag) => fileOffset(segments, required(dynamic, tag))) as [number, number, number];
  const end = relocations + required(dynamic, DT_RELASZ);
  for (let at = relocations; at < end; at += RELOCATION_BYTES) {
    if (view.getUint32(at + 8, true) !== type) continue;
    const symbol = symbols + view.getUint32(at + 12, true) * SYMBOL_BYTES;
    if (textAt(view, names + view.getUint32(symbol, true)) === name) return word(view, at);
  }
  throw new Error(`Cannot add a segment: the program does not use "${name}" of libc`);
}

function readDynamic(view: DataView, segments: Segment[]): Map<number, number> {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) throw new Error("Cannot add a segment: not dynamically linked");
  const entries = new Map<number, number>();
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.fileBytes; at += 16) {
    entries.set(Number(view.getBigInt64(at, true)), word(view, at + 8));
  }
  return entries;
}

function required(dynamic: Map<number, number>, tag: number): number {
  const value = dynamic.get(tag);
  if (value === undefined) throw new Error(`Cannot add a segment: no dynamic entry ${tag}`);
  return value;
}

function fileOffset(segments: Segment[], address: number): number {
  const segment = loads(segments)
    .find((s) => address >= s.address && address < s.address + s.fileBytes);
  if (segment === undefined) {
    throw new Error(`Cannot add a segment: address 0x${address.toString(16)} is not in the file`);
  }
  return address - segment.address + segment.offset;
}

function textAt(view: DataView, at: number): string {
  let end = at;
  while (view.getUint8(end) !== 0) end++;
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at, end - at));
}

function loads(segments: Segment[]): Segment[] {
  return segments.filter(({ type }) => type === PT_LOAD);
}

function word(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function roundUp(value: number): number {
  return Math.ceil(value / PAGE_BYTES) * PAGE_BYTES;
}
