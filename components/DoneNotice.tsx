import { Notice } from "@/components/Notice.tsx";

/** What the form that led here did: `?done=` is a key of `words`, anything else says nothing. */
export function DoneNotice({ url, words }: { url: URL; words: Readonly<Record<string, string>> }) {
  const done = url.searchParams.get("done");
  if (done === null || !Object.hasOwn(words, done)) return null;
  return <Notice tone="ok">{words[done]}</Notice>;
}
