/** The whole program as one file: server, Workers, pages, assets, migrations, documentation. */
import { REPOSITORY } from "@/tools/product.ts";
import { buildPages } from "@/tools/build_pages.ts";
import { bundleServer } from "@/web/build.ts";

/** Every Worker of the program; the build fails when it finds others. */
export const WORKERS = [
  "store/store_worker.ts",
  "store/query_worker.ts",
  "forward/forward_worker.ts",
];

/**
 * Messages of the schema library in other languages, proxies of the MQTT client, charts, which are
 * drawn in browsers only, tracing for metrics of the process, which are ours: 0.7 MB that no line of
 * the program reaches.
 */
const LEFT_OUT = [
  /\/zod\/v4\/locales\/index\.js$/,
  /\/socks\/build\/index\.js$/,
  /\/@opentelemetry\/api\/dist\/index\.cjs$/,
  /\/uplot\/dist\/uPlot\.\w+\.js$/,
];

/** What a build is of. The same facts and sources give the same bytes. */
export interface BuildFacts {
  /** First 12 digits of the commit, with `-dirty` where the checkout differs from it. */
  commit: string;
  /** ms since 1970: the time of the commit, not of the build. */
  timeMs: number;
}

/**
 * The facts of this checkout. SLUICE_COMMIT and SOURCE_DATE_EPOCH (seconds) give them where there is
 * no git, as in the stages of a container image.
 */
export async function readBuildFacts(): Promise<BuildFacts> {
  const [commit, seconds] = ["SLUICE_COMMIT", "SOURCE_DATE_EPOCH"].map((name) =>
    Deno.env.get(name)
  );
  return {
    commit: commit || await commitId(),
    timeMs: 1000 * Number(seconds || await git(["log", "-1", "--format=%ct"])),
  };
}

async function commitId(): Promise<string> {
  const [id, changes] = [await git(["rev-parse", "HEAD"]), await git(["status", "--porcelain"])];
  return id.slice(0, 12) + (changes === "" ? "" : "-dirty");
}

async function git(args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("git", { args, cwd: REPOSITORY })
    .output();
  if (success) return new TextDecoder().decode(stdout).trim();
  throw new Error(
    `Cannot read the commit: git ${args[0]} failed, set SLUICE_COMMIT and SOURCE_DATE_EPOCH to ` +
      `build without git: ${new TextDecoder().decode(stderr).trim()}`,
  );
}

/** Writes the release's one module to an absolute path; returns its size in bytes. */
export async function bundleProgram(outfile: string, facts: BuildFacts): Promise<number> {
  await buildPages(REPOSITORY);
  await bundleServer({
    root: REPOSITORY,
    entry: "main.ts",
    front: "tools/compile_front.ts",
    outfile,
    workers: WORKERS,
    leftOut: LEFT_OUT,
    define: {
      SLUICE_COMMIT: JSON.stringify(facts.commit),
      SLUICE_BUILD_TIME_MS: String(facts.timeMs),
    },
  });
  const text = withoutPlace(await Deno.readTextFile(outfile));
  await Deno.writeTextFile(outfile, text);
  // `deno compile` puts the file's time into what it makes.
  await Deno.utime(outfile, facts.timeMs / 1000, facts.timeMs / 1000);
  return text.length;
}

/** Names of packages' modules do not say where the packages lie, beside or above the checkout. */
function withoutPlace(text: string): string {
  return text.replaceAll(/(?:\.\.\/)+(?:[\w.-]+\/)*node_modules\//g, "node_modules/");
}
