/// <reference lib="deno.unstable" />
/**
 * The shape of the house, as a linter plugin: length of functions, names of files, no modules that
 * only pass things on. Run with `deno task shape`.
 */
import { repositoryPath } from "./check_layers.ts";

/** A function is about ten lines; this is the wall. */
const FUNCTION_LINES_MAX = 70;

/**
 * Two positional arguments and an options object are the rule; byte-level code on the hot path may
 * take a buffer with its bounds. This is the wall.
 */
const PARAMETERS_MAX = 4;

/** A file below this that only passes things on should not exist. */
const PASSING_LINES_MAX = 40;

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = ["index", "util", "utils", "helper", "helpers", "common", "manager", "misc"];

/** Modules that the import map offers under another name: passing on is their job. */
const FACADES = ["web/fresh.ts", "web/runtime.ts"];

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** What is wrong with a file's name; null when nothing is. */
export function fileNameProblem(path: string): string | null {
  const file = path.split("/").at(-1) ?? "";
  const folder = path.split("/")[0];
  if (folder === "routes") return routeNameProblem(file);
  const [base = "", ...extensions] = file.split(".");
  const words = base.toLowerCase().split("_");
  const empty = words.find((word) => EMPTY_NAMES.includes(word));
  if (empty !== undefined) return `"${empty}" does not say what is inside`;
  const component = extensions.at(-1) === "tsx" &&
    (folder === "components" || folder === "islands");
  if (component) {
    return /^[A-Z][A-Za-z0-9]*(_test)?$/.test(base)
      ? null
      : "components and islands are PascalCase.tsx";
  }
  if (extensions.join(".") === "config.ts" || extensions.join(".") === "d.ts") return null;
  return /^[a-z][a-z0-9]*(_[a-z0-9]+)*\.tsx?$/.test(file) ? null : "files are snake_case.ts";
}

/** Routes are named after their URL: `[id].tsx`, `[...rest].ts`, `_layout.tsx`. */
function routeNameProblem(file: string): string | null {
  return /^(_?[a-z][a-z0-9_-]*|_\d{3}|\[{1,2}(\.{3})?[a-z][a-zA-Z0-9]*\]{1,2}|index)(\.[a-z0-9]+)*\.tsx?$/
      .test(file)
    ? null
    : "routes are named after their URL";
}

function isTestFile(path: string): boolean {
  return /_(test|bench)\.tsx?$/.test(path) || /_contract\.ts$/.test(path) ||
    ["tests", "bench"].includes(path.split("/")[0]!);
}

function lineCount(text: string): number {
  return text.split("\n").length;
}

/** The file's name, and whether it holds anything of its own. */
function createFileRule(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const path = repositoryPath(context.filename);
  return {
    Program(node) {
      const problem = fileNameProblem(path);
      const range: Deno.lint.Range = [node.range[0], node.range[0]];
      if (problem !== null) {
        context.report({ range, message: `File name ${path}: ${problem}`, hint: "rename it" });
      }
      const passes = node.body.length > 0 && !FACADES.includes(path) &&
        lineCount(context.sourceCode.text) < PASSING_LINES_MAX && node.body.every(isPassing);
      if (passes) {
        context.report({
          range,
          message: `${path} only passes things on`,
          hint: "import them from where they are",
        });
      }
    },
  };
}

function isPassing(statement: Deno.lint.Statement): boolean {
  return statement.type === "ImportDeclaration" || statement.type === "ExportAllDeclaration" ||
    (statement.type === "ExportNamedDeclaration" && statement.declaration === null);
}

/** Length and parameters of every function. */
function createFunctionRule(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const path = repositoryPath(context.filename);
  if (isTestFile(path)) return {};
  const check = (node: FunctionNode) => {
    const lines = lineCount(context.sourceCode.getText(node));
    if (lines > FUNCTION_LINES_MAX) {
      context.report({
        node,
        message: `Function of ${lines} lines, the wall is ${FUNCTION_LINES_MAX}`,
        hint: "branching goes up to the parent, pure work down to the leaves",
      });
    }
    if (node.params.length > PARAMETERS_MAX) {
      context.report({
        node,
        message: `Function of ${node.params.length} parameters`,
        hint: "at most two positional arguments, then an options object",
      });
    }
  };
  return {
    FunctionDeclaration: check,
    FunctionExpression: check,
    ArrowFunctionExpression: check,
  };
}

/** Top-level functions are declarations: they have a name in a stack and may be read in any order. */
function createTopLevelRule(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const path = repositoryPath(context.filename);
  if (isTestFile(path)) return {};
  return {
    Program(node) {
      for (const statement of node.body) {
        const declaration = statement.type === "ExportNamedDeclaration"
          ? statement.declaration
          : statement;
        if (declaration?.type !== "VariableDeclaration") continue;
        for (const item of declaration.declarations) {
          const isFunction = item.init?.type === "ArrowFunctionExpression" ||
            item.init?.type === "FunctionExpression";
          if (!isFunction) continue;
          context.report({
            node: item,
            message: "Top-level function as a constant",
            hint: "write function name() {}",
          });
        }
      }
    },
  };
}

const plugin: Deno.lint.Plugin = {
  name: "shape",
  rules: {
    "files": { create: createFileRule },
    "functions": { create: createFunctionRule },
    "top-level-functions": { create: createTopLevelRule },
  },
};

export default plugin;
