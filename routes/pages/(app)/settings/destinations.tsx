import { page } from "fresh";
import { Card } from "@/components/Card.tsx";
import { stateOf, toneOf, waitingIn } from "@/components/delivery_state.ts";
import type { EntryView } from "@/config/settings_view.ts";
import type { DeliveryView, DestinationView } from "@/model/live_events.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import { EntryList, type EntryState } from "@/routes/settings/entry_list.tsx";
import { sentence } from "@/routes/settings/setting_field.tsx";
import type { SettingsView } from "@/routes/settings/settings_port.ts";

interface ListData {
  view: SettingsView;
  delivery: DeliveryView;
}

export const handler = define.handlers({
  async GET({ state: { services } }) {
    const view = await services.settings.describe();
    return page<ListData>({ view, delivery: await services.deliveryView() });
  },
});

export default define.page<typeof handler>(({ data: { view, delivery }, state, url }) => {
  const found = (entry: EntryView) =>
    delivery.destinations.find(({ name, removed }) => name === entry.name && !removed);
  return (
    <EntryList
      section="destination"
      entries={view.destinations}
      stateOf={(entry) => entryState(entry, { now: found(entry), texts: state.texts })}
      {...{ view, state, url }}
    >
      <Kept destinations={delivery.destinations.filter(({ removed }) => removed)} state={state} />
    </EntryList>
  );
});

function entryState(
  entry: EntryView,
  { now, texts: { settings, delivery } }: {
    now: DestinationView | undefined;
    texts: PageState["texts"];
  },
): EntryState | null {
  const enabled = entry.fields.find(({ field }) => field.keys.join() === "enabled");
  const waiting = now === undefined ? 0 : waitingIn(now);
  const note = waiting > 0 ? sentence(settings.destination.waiting(waiting)) : undefined;
  if (enabled?.text === "false") return { tone: "idle", text: settings.destination.off, note };
  if (now === undefined) return null;
  const state = stateOf(now);
  const failed = now.lastError === null
    ? note
    : `${sentence(now.lastError.message)} ${sentence(now.lastError.hint)}`;
  const text = delivery.flow.states[state] ?? state;
  return { tone: toneOf(state), text, note: toneOf(state) === "ok" ? note : failed };
}

/** Destinations that are no longer configured and whose data is still here. */
function Kept(
  { destinations, state: { texts: { settings: { destination } } } }: {
    destinations: DestinationView[];
    state: PageState;
  },
) {
  if (destinations.length === 0) return null;
  return (
    <Card title={destination.kept} id="kept">
      <p>{destination.keptHint}</p>
      {destinations.map((each) => (
        <div key={each.name}>
          <p>
            <strong>{each.name}</strong>: {destination.waiting(waitingIn(each))}
          </p>
          <pre>sluice destination forget {each.name}</pre>
        </div>
      ))}
    </Card>
  );
}
