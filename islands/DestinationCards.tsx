/** The cards of all destinations, kept up to date once a second. */
import { useEffect, useState } from "preact/hooks";
import { DestinationCard, type DestinationCardProps } from "@/components/DestinationCard.tsx";
import type { DeliveryView } from "@/model/live_events.ts";
import { follow } from "./live.ts";

export default function DestinationCards(
  { view, ...rest }:
    & { view: Pick<DeliveryView, "destinations" | "atMs"> }
    & Omit<DestinationCardProps, "destination" | "nowMs">,
) {
  const [{ destinations, atMs }, show] = useState(view);
  useEffect(() => follow({ onDelivery: show }), []);
  return (
    <>
      {destinations.map((destination) => (
        <DestinationCard
          key={destination.name}
          {...rest}
          destination={destination}
          nowMs={atMs}
        />
      ))}
    </>
  );
}
