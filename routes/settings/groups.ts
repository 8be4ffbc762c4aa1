/** Which settings stand on which page, in which order. */
import type { FieldView, SectionView } from "@/config/settings_view.ts";
import type { Texts } from "@/components/texts.ts";

export type GroupId = keyof Texts["settings"]["groups"];
export type PartId = keyof Texts["settings"]["parts"];

export interface SettingsGroup {
  id: GroupId;
  parts: { id: PartId; fields: FieldView[] }[];
}

/** Keys of one section after its name; `*` are those that stand nowhere else. */
type Place = `${string}: ${string}`;

const LAYOUT: Record<GroupId, Partial<Record<PartId, readonly Place[]>>> = {
  retention: {
    queue: ["storage: queue_bytes_max when_full free_bytes_min"],
    delivered: ["storage: keep keep_bytes_max source_dead_max"],
    history: ["history: *"],
    durability: ["storage: durability linger_ms *"],
  },
  access: {
    devices: ["mqtt: anonymous", "auth: *"],
    metrics: ["http: metrics metrics_token"],
    budgets: ["http: credential_requests_max address_requests_max"],
  },
  tls: { tls: ["tls: *"] },
  network: {
    addresses: ["http: listen public_url", "mqtt: listen"],
    http: ["http: *"],
  },
  broker: {
    sessions: [
      "mqtt: sessions_max session_expiry_max session_subscriptions_max",
      "mqtt: session_queue_messages_max session_queue_bytes_max",
    ],
    retained: ["mqtt: retained_messages_max retained_bytes_max"],
    connections: ["mqtt: *"],
  },
  readings: {
    plausible: ["normalize: plausible late_after"],
    units: ["normalize: units device_units"],
    receivers: ["normalize: receivers *"],
    fanout: ["fanout: *"],
  },
  log: { log: ["log: *"] },
  appearance: { gateway: ["gateway: *"] },
};

/** Every field of every section once. */
export function settingsGroups(sections: readonly SectionView[]): SettingsGroup[] {
  const named = new Set(allPlaces().flatMap(pathsOf));
  return Object.entries(LAYOUT).map(([id, parts]) => ({
    id: id as GroupId,
    parts: Object.entries(parts).map(([part, places]) => ({
      id: part as PartId,
      fields: places.flatMap((place) => fieldsOf(place, { sections, named })),
    })),
  }));
}

/** The group in which a path stands. */
export function groupOf(groups: readonly SettingsGroup[], path: string): GroupId | null {
  const found = groups.find(({ parts }) =>
    parts.some(({ fields }) => fields.some((each) => each.path === path))
  );
  return found?.id ?? null;
}

function fieldsOf(
  place: Place,
  { sections, named }: { sections: readonly SectionView[]; named: ReadonlySet<string> },
): FieldView[] {
  const section = place.split(": ")[0];
  const fields = sections.find(({ name }) => name === section)?.fields ?? [];
  const chosen = pathsOf(place).flatMap((path) => fields.filter((each) => each.path === path));
  const rest = place.endsWith("*") ? fields.filter(({ path }) => !named.has(path)) : [];
  return [...chosen, ...rest];
}

function pathsOf(place: Place): string[] {
  const [section = "", keys = ""] = place.split(": ");
  return keys.split(" ").filter((key) => key !== "*").map((key) => `${section}.${key}`);
}

function allPlaces(): Place[] {
  return Object.values(LAYOUT).flatMap((parts) => Object.values(parts).flat());
}
