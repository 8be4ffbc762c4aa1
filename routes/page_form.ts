/** Reading the forms of pages, and what their handlers answer. */
import { HttpError } from "@/model/errors.ts";
import { asHttpError } from "@/routes/api/problem.ts";
import { readBody, requireType } from "@/routes/api/request_body.ts";

const FORM_BYTES_MAX = 512 * 1024;
const FORM_DEADLINE_MS = 30_000;
const FORM_TYPE = "application/x-www-form-urlencoded";

/** The guard reads a form for its token before the route does: a body can be read once only. */
const readForms = new WeakMap<Request, Promise<URLSearchParams>>();

/** The fields of a posted form. Throws HttpError 408, 413, 415, DecodeError for what is no text. */
export function readForm(request: Request): Promise<URLSearchParams> {
  const known = readForms.get(request);
  if (known !== undefined) return known;
  const form = read(request);
  readForms.set(request, form);
  return form;
}

async function read(request: Request): Promise<URLSearchParams> {
  requireType(request, FORM_TYPE);
  const limits = { bytesMax: FORM_BYTES_MAX, deadlineMs: FORM_DEADLINE_MS, mayBeEmpty: true };
  return new URLSearchParams(await readBody(request, limits));
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

/** A form whose field `action` names nothing that its page can do. */
export function unknownAct(): HttpError {
  return new HttpError(400, "The form says nothing that this page can do", {
    code: "HTTP-0400",
    hint: "reload the page and send the form again",
  });
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
