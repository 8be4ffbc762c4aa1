/** The ELFs that the emulator runs, built once per test run from the present sources. */
import { buildNode } from "../../firmware/build.ts";

const built = new Map<number, Promise<string>>();

export function elfOf(node: 1 | 2 | 3): Promise<string> {
  const path = built.get(node) ?? buildNode(node, "EU868");
  built.set(node, path);
  return path;
}
