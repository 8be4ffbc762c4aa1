/** The machines that an executable can be made for. */
export const TARGETS = ["linux-x64", "linux-arm64"] as const;

export type Target = (typeof TARGETS)[number];

/** The target that this process runs on; null on other machines. */
export function hostTarget(): Target | null {
  const name = `${Deno.build.os}-${Deno.build.arch === "x86_64" ? "x64" : "arm64"}`;
  return TARGETS.find((target) => target === name) ?? null;
}
