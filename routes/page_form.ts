/** Reading the forms of pages, and what their handlers answer. */
import { HttpError } from "@/model/errors.ts";
import { asHttpError } from "@/routes/api/problem.ts";

const FORM_BYTES_MAX = 512 * 1024;
const FORM_TYPE = "application/x-www-form-urlencoded";

/** The fields of a posted form. Throws HttpError 413, 415. */
export async function readForm(request: Request): Promise<URLSearchParams> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type !== FORM_TYPE) {
    throw new HttpError(415, `Cannot read the form: its type is "${type.slice(0, 80)}"`, {
      code: "HTTP-0415",
      hint: "send the form from its page",
    });
  }
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > FORM_BYTES_MAX) throw tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return new URLSearchParams(text + decoder.decode());
}

function tooLarge(): HttpError {
  return new HttpError(413, `The form is larger than ${FORM_BYTES_MAX} bytes`, {
    code: "HTTP-0413",
    hint: "send less at once",
  });
}

/** A field's text, trimmed; empty where it is missing. */
export function field(form: URLSearchParams, name: string): string {
  return (form.get(name) ?? "").trim();
}

/** The path to lead to, "/" where it is none of ours: a link must not lead elsewhere afterwards. */
export function ownPath(path: string | null): string {
  return path !== null && /^\/(?![\\/])[\x21-\x7e]*$/.test(path) ? path : "/";
}

/** 303: the browser asks for `path` with GET, and reloading it sends nothing again. */
export function seeOther(path: string, headers: Record<string, string> = {}): Response {
  return new Response(null, { status: 303, headers: { location: path, ...headers } });
}

/**
 * The outcome of an act, or the problem that the page shows beside the input. What is not the
 * sender's to mend (5xx but 503) goes on to the error page.
 */
export async function attempt<T>(
  act: () => Promise<T>,
): Promise<{ done: T; problem: null } | { done: null; problem: HttpError }> {
  try {
    return { done: await act(), problem: null };
  } catch (error) {
    const problem = asHttpError(error);
    if (problem.status === 500) throw error;
    return { done: null, problem };
  }
}
