/** The cards of the system, read again every few seconds while somebody looks. */
import { useEffect, useState } from "preact/hooks";
import { SystemCards, type SystemCardsProps } from "@/components/SystemCards.tsx";
import type { SystemData } from "@/model/system_view.ts";

const EVERY_MS = 3_000;

export default function SystemLive({ data, ...rest }: SystemCardsProps) {
  const [shown, show] = useState(data);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) void look();
    }, EVERY_MS);
    return () => clearInterval(timer);

    /** While the gateway is away the live bar says so, and the last values stay. */
    async function look(): Promise<void> {
      try {
        const response = await fetch("/system?format=json");
        if (response.ok) show(await response.json() as SystemData);
      } catch {
        // the next look comes
      }
    }
  }, []);
  return <SystemCards {...rest} data={shown} />;
}
