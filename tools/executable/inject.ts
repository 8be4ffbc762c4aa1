/**
 * Puts a program into an official Deno: one file that starts it with fixed arguments.
 *
 *     segment:  stub's code | header | texts | program        (read by stub.c)
 *     texts:    arguments, variables, prefixes, path of the program, each ended by a zero byte
 *
 * Nothing is unpacked when it runs: the stub hands the program to Deno as a memory file.
 */
import { addSegment, type Place } from "@/tools/executable/elf.ts";
import { STUB_CODE } from "@/tools/executable/stub_code.ts";
import type { Target } from "@/tools/executable/target.ts";

/** High enough that nothing else of a starting process has it, below the usual limit of 1024. */
const DESCRIPTOR = 200;

/** Where the program finds its own text: the main module. */
export const PROGRAM_PATH = `/proc/self/fd/${DESCRIPTOR}`;

/** Bytes `SLUICE01`, to find the header in a file. */
const MAGIC = 0x31304543_49554c53n;

const HEADER_WORDS = 10;

export interface ExecutableOptions {
  target: Target;
  /** The official Deno for the target. */
  runtime: Uint8Array;
  /** Text of one ECMAScript module. */
  program: Uint8Array;
  /** Arguments before the program's own; `PROGRAM_PATH` stands for the program. */
  args: string[];
  /** Variables that hold whatever the caller's environment says. */
  variables: Record<string, string>;
  /** Prefixes of the names of variables that the program does not get. */
  droppedPrefixes: string[];
}

/** Returns the bytes of the executable: the same for the same options. */
export function makeExecutable(options: ExecutableOptions): Uint8Array {
  const { runtime, target, args } = options;
  if (!args.includes(PROGRAM_PATH)) {
    throw new Error(`Cannot make an executable: no argument is "${PROGRAM_PATH}"`);
  }
  return addSegment(runtime, target, (place) => programSegment(options, place));
}

function programSegment(options: ExecutableOptions, place: Place): Uint8Array {
  const stub = Uint8Array.fromHex(STUB_CODE[options.target]);
  const variables = Object.entries(options.variables).map(([name, value]) => `${name}=${value}`);
  const { args, program, droppedPrefixes } = options;
  const texts = encodeTexts([...args, ...variables, ...droppedPrefixes, PROGRAM_PATH]);
  const textsAt = HEADER_WORDS * 8;
  const programAt = Math.ceil((textsAt + texts.length) / 16) * 16;
  const header = new BigInt64Array([
    MAGIC,
    ...[
      ...[place.start - place.address, place.environSlot - place.address],
      ...[args.length, variables.length, droppedPrefixes.length],
      ...[textsAt, programAt, program.length, DESCRIPTOR],
    ].map(BigInt),
  ]);
  const segment = new Uint8Array(stub.length + programAt + program.length);
  segment.set(stub, 0);
  segment.set(new Uint8Array(header.buffer), stub.length);
  segment.set(texts, stub.length + textsAt);
  segment.set(program, stub.length + programAt);
  return segment;
}

function encodeTexts(texts: string[]): Uint8Array {
  const bad = texts.find((text) => text.includes("\0") || text === "");
  if (bad !== undefined) {
    throw new Error(`Cannot make an executable: argument or variable ${JSON.stringify(bad)}`);
  }
  return new TextEncoder().encode(texts.map((text) => text + "\0").join(""));
}
