/**
 * Builds the firmware: `firmware/build/node{1,2,3}.elf` for the board, and the host programs of the
 * tests. `--region EU868|US915` is required: a radio must not be built without choosing its band.
 */
import { parseArgs } from "node:util";

const ROOT = new URL("./", import.meta.url).pathname;
const OUT = ROOT + "build/";

export const REGIONS = ["EU868", "US915"] as const;
export type Region = typeof REGIONS[number];

/** Bytes of a linked image: code and constants, initialised data, zeroed data. */
export interface ImageSize {
  text: number;
  data: number;
  bss: number;
}

const WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wundef"];
const BOARD = [
  ...["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
  ...["-O2", "-g", "-std=gnu11", "-ffunction-sections", "-fdata-sections", "-fno-common"],
  // Our records are read back through other types; the project is not large enough to gain from it.
  ...["-fno-strict-aliasing", ...WARNINGS],
];
const LINK = [
  ...["-nostartfiles", "--specs=nano.specs", "-T", `${ROOT}port/linker.ld`, "-Wl,--gc-sections"],
  ...["-Wl,--fatal-warnings", "-Wl,--no-warn-rwx-segments", "-Wl,--undefined=vectors"],
];

/** The C sources of a folder below `firmware/`, sorted. */
export function sourcesOf(folder: string, keep: (name: string) => boolean = () => true): string[] {
  const names = [...Deno.readDirSync(ROOT + folder)].map((entry) => entry.name);
  return names.filter((name) => name.endsWith(".c") && keep(name)).sort()
    .map((name) => `${ROOT}${folder}/${name}`);
}

/** Runs a compiler; its own words are the error. */
export async function runTool(tool: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(tool, {
    args,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot run ${tool}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Builds one node for the board and returns the path of its ELF. */
export async function buildNode(node: 1 | 2 | 3, region: Region): Promise<string> {
  await Deno.mkdir(OUT, { recursive: true });
  const elf = `${OUT}node${node}.elf`;
  const port = sourcesOf("port", (name) => !/^main\d\.c$/.test(name) || name === `main${node}.c`);
  const args = [...BOARD, `-DREGION_${region}`, `-I${ROOT}src`, `-I${ROOT}port`];
  await runTool("arm-none-eabi-gcc", [...args, ...sourcesOf("src"), ...port, ...LINK, "-o", elf]);
  return elf;
}

/** Section sizes by `arm-none-eabi-size`. */
export async function imageSize(elf: string): Promise<ImageSize> {
  const table = await runTool("arm-none-eabi-size", [elf]);
  const [text, data, bss] = table.trim().split("\n")[1]!.trim().split(/\s+/).map(Number);
  return { text: text!, data: data!, bss: bss! };
}

/** A program of the tests, for this machine, with the sanitizers on. */
export interface HostProgram {
  name: string;
  sources: string[];
  defines?: string[];
}

/** Builds a host program and returns its path. */
export async function buildHost(program: HostProgram): Promise<string> {
  await Deno.mkdir(OUT, { recursive: true });
  const binary = `${OUT}${program.name}`;
  const flags = ["-std=gnu11", "-O1", "-g", "-fno-strict-aliasing", ...WARNINGS];
  const checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  const where = [`-I${ROOT}src`, `-I${ROOT}test`, `-I${OUT}`];
  const defines = ["-DREGION_EU868", ...(program.defines ?? [])];
  const sources = program.sources.map((path) => path.startsWith("/") ? path : ROOT + path);
  await runTool("gcc", [...flags, ...checks, ...where, ...defines, ...sources, "-o", binary]);
  return binary;
}

function chosenRegion(args: string[]): Region {
  const { values } = parseArgs({ args, options: { region: { type: "string" } } });
  const region = REGIONS.find((name) => name === values.region);
  if (region) return region;
  const given = values.region ? `"${values.region}" is none` : "none was chosen";
  throw new Error(`Cannot build the radio: its region must be EU868 or US915, ${given}`);
}

async function main(): Promise<void> {
  const region = chosenRegion(Deno.args);
  console.log(`region ${region}`);
  for (const node of [1, 2, 3] as const) {
    const { text, data, bss } = await imageSize(await buildNode(node, region));
    console.log(`firmware/build/node${node}.elf  text ${text}  data ${data}  bss ${bss}`);
  }
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
