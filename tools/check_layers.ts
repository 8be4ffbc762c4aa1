/// <reference lib="deno.unstable" />
/**
 * The import table of the house, as a linter plugin: who may import whom, type imports included.
 * Run with `deno task layers`; the linter's parser sees what a search for texts would miss
 * (`import()` types, workers by URL, re-exports).
 *
 * Tests, benchmarks and the folders `tests/`, `bench/`, `tools/`, `deploy/` may import anything;
 * nothing else may import them.
 */

/** Path from the repository's root of the file that is checked. */
type RepositoryPath = string;

interface LayerRule {
  /** Folders, and single modules without `.ts`, that may be imported besides the own folder. */
  may: string[];
  /** Of these only types. */
  mayTypes?: string[];
  /** False where the code must run in a browser: no `Deno.*`, no `node:`. */
  runtime?: boolean;
}

const ROOT = "the composition root";

/** Parts of the composition root, one file each. */
const ROOT_FOLDER = "runtime";

const LAYERS: Record<string, LayerRule> = {
  model: { may: [], runtime: false },
  mqtt: { may: ["model/errors"] },
  observe: { may: ["model"] },
  config: { may: ["model"] },
  store: { may: ["model", "observe"] },
  ingest: { may: ["model", "mqtt", "store", "observe"], mayTypes: ["config"] },
  forward: { may: ["model", "mqtt", "store", "observe"], mayTypes: ["config"] },
  alerts: { may: ["model", "mqtt", "store", "observe"], mayTypes: ["config"] },
  auth: { may: ["model", "mqtt", "store", "observe"], mayTypes: ["config"] },
  cli: { may: ["config", "model", "observe", "store"] },
  web: { may: [] },
  components: { may: ["model", "web/runtime"], runtime: false },
  islands: { may: ["model", "components", "web/runtime"], runtime: false },
  routes: {
    may: ["model", "store", "auth", "config", "observe", "components", "islands", "web"],
  },
};

/** Free in what they import, imported by nobody else. */
const OUTSIDE = ["tests", "bench", "tools", "deploy", "firmware"];

/** Names that the import map gives to our own modules. */
const MAPPED: Record<string, RepositoryPath> = {
  "fresh": "web/fresh.ts",
  "fresh/runtime": "web/runtime.ts",
};

/**
 * Drivers of other systems and the one file that knows each; a second file would need its limits,
 * its errors and its quirks again. The simulator is a device, not a part of the data path: it has
 * its own MQTT client.
 */
const DRIVERS: Record<string, RepositoryPath[]> = {
  "postgres": ["forward/postgres_session.ts"],
  "mqtt": ["forward/mqtt_session.ts", "cli/simulated_devices.ts"],
  "prom-client": ["observe/metrics.ts"],
  "@logtape/logtape": ["observe/log.ts"],
  "smol-toml": ["config/load.ts"],
};

/** Folders that alone may use a built-in module. */
const BUILTIN_OWNERS: Record<string, string> = { "node:sqlite": "store" };

/** One thing that a file wants from another place. */
interface Wanted {
  specifier: string;
  typeOnly: boolean;
}

/** What is wrong with an import, and what to do instead; null when it is allowed. */
export interface Refusal {
  message: string;
  hint: string;
}

/** Judges one import of the file at `from`. */
export function judgeImport(from: RepositoryPath, wanted: Wanted): Refusal | null {
  const { specifier } = wanted;
  if (/^(npm|jsr|https?):/.test(specifier)) {
    return {
      message: `"${specifier}" is imported by its registry name`,
      hint: "add it to the import map of deno.json with an exact version",
    };
  }
  const target = resolve(from, specifier);
  if (isFree(from)) return null;
  if (target === null) return judgePackage(from, specifier);
  return judgeOwnModule(from, target, wanted);
}

function judgePackage(from: RepositoryPath, specifier: string): Refusal | null {
  const owners = DRIVERS[specifier];
  if (owners !== undefined && !owners.includes(from)) {
    return {
      message: `driver "${specifier}" belongs to ${owners.join(" and ")}`,
      hint: "use what that file offers, so that one file knows the driver",
    };
  }
  const owner = BUILTIN_OWNERS[specifier];
  if (owner !== undefined && folderOf(from) !== owner) {
    return { message: `"${specifier}" belongs to ${owner}/`, hint: `ask ${owner}/ for the data` };
  }
  if (specifier.startsWith("node:") && LAYERS[folderOf(from)]?.runtime === false) {
    return {
      message: `"${specifier}" is imported in ${folderOf(from)}/, which also runs in a browser`,
      hint: "use what browsers have, or take it as a parameter",
    };
  }
  return null;
}

function judgeOwnModule(
  from: RepositoryPath,
  target: RepositoryPath,
  { typeOnly }: Wanted,
): Refusal | null {
  const own = folderOf(from);
  const theirs = folderOf(target);
  if (isTestFile(target) || OUTSIDE.includes(theirs)) {
    return {
      message: `product code imports ${target}`,
      hint: "move what is shared to the product",
    };
  }
  if (own === theirs || own === ROOT) return null;
  if (theirs === ROOT) {
    return {
      message: `${own}/ imports ${target} of ${ROOT}`,
      hint: "declare an interface here; the composition root injects what fulfils it",
    };
  }
  const rule = LAYERS[own];
  if (rule === undefined) {
    return {
      message: `folder ${own}/ is not in the import table`,
      hint: "see tools/check_layers.ts",
    };
  }
  if (rule.may.some((allowed) => covers(allowed, target))) return null;
  const types = rule.mayTypes?.some((allowed) => covers(allowed, target)) ?? false;
  if (types && typeOnly) return null;
  const list = [...rule.may, ...(rule.mayTypes ?? []).map((name) => `types of ${name}`)];
  return {
    message: `${own}/ must not import ${target}${types ? " but its types" : ""}`,
    hint:
      `${own}/ may import ${list.join(", ") || "nothing of ours"}; declare an interface for a ` +
      "need and have it injected",
  };
}

function covers(allowed: string, target: RepositoryPath): boolean {
  return target.startsWith(`${allowed}/`) || target.replace(/\.tsx?$/, "") === allowed;
}

/** The repository path of one of our modules; null for packages and built-ins. */
function resolve(from: RepositoryPath, specifier: string): RepositoryPath | null {
  if (Object.hasOwn(MAPPED, specifier)) return MAPPED[specifier]!;
  if (specifier.startsWith("@/")) return specifier.slice(2);
  if (!specifier.startsWith(".")) return null;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function folderOf(path: RepositoryPath): string {
  const [folder = "", ...rest] = path.split("/");
  return rest.length === 0 || folder === ROOT_FOLDER ? ROOT : folder;
}

function isTestFile(path: RepositoryPath): boolean {
  return /_(test|bench)\.tsx?$/.test(path);
}

/** Contracts are suites that test files of several folders run. */
function isFree(path: RepositoryPath): boolean {
  return isTestFile(path) || OUTSIDE.includes(folderOf(path)) || /_contract\.ts$/.test(path);
}

/** The path below the repository, however the linter was started. */
export function repositoryPath(filename: string): RepositoryPath {
  const root = new URL("..", import.meta.url).pathname;
  const path = filename.replace(/^file:\/\//, "");
  return path.startsWith(root) ? path.slice(root.length) : path.replace(/^\.\//, "");
}

function usesNoRuntime(path: RepositoryPath): boolean {
  return !isFree(path) && LAYERS[folderOf(path)]?.runtime === false;
}

/** The module of `import("x").Y`. */
function importedType(node: Deno.lint.TSImportType): unknown {
  const { argument } = node;
  if (argument.type !== "TSLiteralType" || argument.literal.type !== "Literal") return null;
  return argument.literal.value;
}

/** `new URL("./x.ts", import.meta.url)`: how a Worker's module is named. */
function moduleUrl(node: Deno.lint.NewExpression): string | null {
  const [path, base] = node.arguments;
  const named = node.callee.type === "Identifier" && node.callee.name === "URL" &&
    base?.type === "MemberExpression" && path?.type === "Literal";
  const value = named ? path.value : null;
  return typeof value === "string" && /\.tsx?$/.test(value) ? value : null;
}

function createRule(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const from = repositoryPath(context.filename);
  const judge = (node: Deno.lint.Node, specifier: unknown, typeOnly: boolean) => {
    if (typeof specifier !== "string") return;
    const refusal = judgeImport(from, { specifier, typeOnly });
    if (refusal !== null) context.report({ node, ...refusal });
  };
  return {
    ImportDeclaration(node) {
      const typeOnly = node.importKind === "type" || (node.specifiers.length > 0 &&
        node.specifiers.every((item) =>
          item.type === "ImportSpecifier" && item.importKind === "type"
        ));
      judge(node, node.source.value, typeOnly);
    },
    ExportAllDeclaration: (node) => judge(node, node.source.value, node.exportKind === "type"),
    ExportNamedDeclaration: (node) => judge(node, node.source?.value, node.exportKind === "type"),
    ImportExpression: (node) =>
      judge(node, node.source.type === "Literal" ? node.source.value : null, false),
    TSImportType: (node) => judge(node, importedType(node), true),
    NewExpression: (node) => judge(node, moduleUrl(node), false),
    MemberExpression(node) {
      if (node.object.type !== "Identifier" || node.object.name !== "Deno") return;
      if (!usesNoRuntime(from)) return;
      context.report({
        node,
        message: `Deno.* is used in ${folderOf(from)}/, which also runs in a browser`,
        hint: "take clock, files and network as parameters",
      });
    },
  };
}

const plugin: Deno.lint.Plugin = {
  name: "layers",
  rules: { "import-table": { create: createRule } },
};

export default plugin;
