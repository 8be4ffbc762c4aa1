/**
 * The first module of a release, in front of the program (`web/build_server.ts`): it answers
 * `sluice version` before the runtime has read the program, and loads nothing of Node's for it.
 */
import { versionText } from "@/cli/version_command.ts";

declare const bundle: { run(): void };

/** The version without options; whatever else, errors included, is the program's to answer. */
async function answerEarly(): Promise<boolean> {
  const [command, ...rest] = Deno.args;
  if (!["version", "--version"].includes(command ?? "") || rest.length > 0) return false;
  try {
    const text = await versionText(Deno.env.get("SLUICE_DATA") ?? "./data");
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
    return true;
  } catch {
    return false;
  }
}

if (!await answerEarly()) bundle.run();
