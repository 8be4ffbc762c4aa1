/** Folders that hold nothing of ours. */
const FOREIGN = ["node_modules", "dist", "_gen", "data", "testdata", "build"];

/** Every test file below the folder, as paths relative to it, sorted. */
export function findTestFiles(folder: string): Promise<string[]> {
  return findFiles(folder, /_test\.tsx?$/);
}

/** Every source file below the folder, tests included. */
export function findSourceFiles(folder: string): Promise<string[]> {
  return findFiles(folder, /\.(ts|tsx|js|mjs)$/);
}

async function findFiles(folder: string, pattern: RegExp): Promise<string[]> {
  const found: string[] = [];
  const visit = async (below: string) => {
    for await (const entry of Deno.readDir(folder + below)) {
      const path = below + entry.name;
      const foreign = entry.name.startsWith(".") || FOREIGN.includes(entry.name);
      if (entry.isDirectory && !foreign) await visit(`${path}/`);
      if (entry.isFile && pattern.test(entry.name)) found.push(path);
    }
  };
  await visit("");
  return found.sort();
}
