/**
 * The first module of a release. The program itself follows as a packed text that `PROGRAM` holds
 * (`compile_program.ts` appends it), so that the runtime does not read 3 MB of source to print its
 * version, and does not load Node's modules for it.
 */
import { versionText } from "@/cli/version_command.ts";

/** `sluice version` without options; whatever else, errors included, is the program's to answer. */
export async function answerEarly(): Promise<boolean> {
  const [command, ...rest] = Deno.args;
  if (command !== "version" || rest.length > 0) return false;
  try {
    const text = await versionText(Deno.env.get("SLUICE_DATA") ?? "./data");
    await new Blob([text]).stream().pipeTo(Deno.stdout.writable);
    return true;
  } catch {
    return false;
  }
}

/** Unpacks a program (gzip, base64) and runs it. */
export async function runProgram(packed: string): Promise<void> {
  const bytes = new Blob([Uint8Array.fromBase64(packed)]);
  const text = await new Response(bytes.stream().pipeThrough(new DecompressionStream("gzip")))
    .blob();
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  await import(url);
}

declare const PROGRAM: string;

if (!await answerEarly()) await runProgram(PROGRAM);
