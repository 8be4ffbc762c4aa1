/** The legal texts that an operator writes: Markdown files in the folder `legal` of the data folder. */
import type { LegalName, LegalText } from "@/routes/page_services.ts";
import { logger } from "@/observe/log.ts";

/** A long contract has 100 kB. */
const BYTES_MAX = 256 * 1024;

/** Read at each request: an edit shows at once. A file that cannot be read is said, not hidden. */
export async function readLegalText(dataDir: string, name: LegalName): Promise<LegalText> {
  const path = `${dataDir}/legal/${name}.md`;
  try {
    const { size, isFile } = await Deno.stat(path);
    if (!isFile) return { path, text: null, problem: "it is not a file" };
    if (size > BYTES_MAX) {
      return { path, text: null, problem: `it is larger than ${BYTES_MAX} bytes` };
    }
    const text = await Deno.readTextFile(path);
    return { path, text: text.trim() === "" ? null : text, problem: null };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { path, text: null, problem: null };
    const problem = error instanceof Error ? error.message : String(error);
    logger("http").warn("Cannot read a legal text", { path, cause: problem });
    return { path, text: null, problem };
  }
}
