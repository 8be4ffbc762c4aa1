/** Generated files in the repository are what their generators write: `deno task generated`. */
import { GENERATED_FILES, type GeneratedFile } from "@/tools/generate.ts";
import { REPOSITORY } from "@/tools/product.ts";

/** One line for each file that is missing or differs. */
export async function staleFiles(
  files: readonly GeneratedFile[],
  options: { folder: string },
): Promise<string[]> {
  const problems: string[] = [];
  for (const { path, make } of files) {
    const current = await Deno.readTextFile(options.folder + path).catch(() => null);
    const expected = await make();
    if (current === null) problems.push(`${path} is missing`);
    else if (current !== expected) problems.push(`${path} ${firstDifference(current, expected)}`);
  }
  return problems;
}

function firstDifference(current: string, expected: string): string {
  const [old, now] = [current.split("\n"), expected.split("\n")];
  const at = now.findIndex((line, i) => line !== old[i]);
  const line = at === -1 ? now.length : at;
  return `differs at line ${line + 1}: is "${old[line] ?? ""}", should be "${now[line] ?? ""}"`;
}

if (import.meta.main) {
  const problems = await staleFiles(GENERATED_FILES, { folder: REPOSITORY });
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) {
    console.error("Write them again with: deno task generate");
    Deno.exit(1);
  }
}
