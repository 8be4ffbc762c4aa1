/** The flow picture, kept up to date once a second. */
import { useEffect, useState } from "preact/hooks";
import { Flow, type FlowProps } from "@/components/Flow.tsx";
import { follow, useLiveState } from "./live.ts";

export default function FlowLive(
  { view, words, compact, addHref }: Omit<FlowProps, "lost">,
) {
  const [shown, show] = useState(view);
  useEffect(() => follow({ onDelivery: show }), []);
  const lost = useLiveState().state === "lost";
  return <Flow {...{ words, compact, addHref, lost }} view={shown} />;
}
