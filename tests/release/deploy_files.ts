/** Readers of the files in deploy/, by programs that are not ours where there are some. */
import { run } from "@/tests/helpers/server_process.ts";
import { REPOSITORY } from "@/tools/product.ts";

/** What a YAML file holds, read by Python's library (Debian: python3-yaml). */
export async function readYaml<T>(path: string): Promise<T> {
  const program = `
import json, sys, yaml
class Loader(yaml.SafeLoader): pass
Loader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))
print(json.dumps(yaml.load(sys.stdin, Loader)))`;
  const text = await Deno.readTextFile(`${REPOSITORY}${path}`);
  return JSON.parse(await run("python3", { args: ["-c", program], input: text }));
}

export interface ComposeService {
  image: string;
  build?: { context: string };
  restart?: string;
  environment?: Record<string, string>;
  secrets?: string[];
  ports?: string[];
  volumes?: string[];
  networks?: string[];
  healthcheck?: { test: string[] };
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  networks: Record<string, unknown>;
  volumes: Record<string, unknown>;
  secrets: Record<string, { file: string }>;
}

/** One instruction of a Dockerfile, continued lines joined. */
export interface Instruction {
  stage: number;
  name: string;
  text: string;
}

export async function readDockerfile(): Promise<Instruction[]> {
  const text = await Deno.readTextFile(`${REPOSITORY}Dockerfile`);
  const lines = text.replaceAll(/^#.*\n/gm, "").replaceAll(/\\\n\s*/g, "").split("\n");
  let stage = -1;
  return lines.filter((line) => line.trim() !== "").map((line) => {
    const [, name = "", rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === "FROM") stage++;
    return { stage, name, text: rest };
  });
}

/** The words of a `["…", "…"]` form. */
export function jsonForm(text: string): string[] {
  return JSON.parse(text.slice(text.indexOf("[")));
}
