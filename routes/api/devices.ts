/** Devices: what sends, with or without a credential of its own, and their credentials. */
import { z } from "@hono/zod-openapi";
import type { Auth } from "@/auth/auth.ts";
import type { DeviceCredential, DeviceView } from "@/auth/device_registry.ts";
import { notThere } from "@/auth/refusals.ts";
import { actorOf } from "@/routes/access.ts";
import type { Api } from "@/routes/api/operation.ts";
import {
  Cursor,
  DeviceId,
  Flags,
  limitOf,
  pageOf,
  Time,
  timeOf,
  timeOfMs,
  TimeOrNull,
} from "@/routes/api/schemas.ts";
import type { DeviceSeen } from "@/store/queries.ts";
import type { StoreAdmin } from "@/store/store_types.ts";

const TAG = "Devices";

export interface DeviceParts {
  store: Pick<StoreAdmin, "query">;
  auth: Auth;
  /** The credential with first messages to paste; shown once. */
  withSnippets: (credential: DeviceCredential) => Promise<
    DeviceCredential & { snippets: { title: string; text: string }[] }
  >;
}

const Grant = z.strictObject({
  action: z.enum(["publish", "subscribe"]),
  filter: z.string().min(1).max(256).openapi({ example: "factory/+/orders" }),
});

const Device = z.object({
  id: z.string(),
  registered: z.boolean().openapi({ description: "It has an entry with credentials here" }),
  label: z.string(),
  disabled: z.boolean(),
  secret_set_at: TimeOrNull,
  certificates: z.array(z.object({ fingerprint: z.string(), not_after: Time })),
  grants: z.array(Grant),
  created_at: TimeOrNull,
  seen: z.object({
    via: z.string().openapi({ description: "The sender it came through last" }),
    first_at: Time,
    last_at: Time,
    messages: z.number().int(),
  }).nullable(),
}).openapi("Device");

const DeviceDetail = Device.extend({
  latest: z.array(z.object({
    measurement: z.string(),
    unit: z.string().nullable(),
    at: Time,
    value: z.number(),
    flags: Flags,
  })),
  attributes: z.array(z.object({ name: z.string(), value: z.string(), at: Time })),
}).openapi("DeviceDetail");

const Credential = z.object({
  device: z.string(),
  username: z.string(),
  password: z.string().openapi({ description: "Shown this once" }),
  snippets: z.array(z.object({ title: z.string(), text: z.string() })),
}).openapi("DeviceCredential");

const Identified = z.object({ id: DeviceId });
const Seen = z.object({ id: z.string().min(1).max(200) });
const Label = z.string().max(100);

const UNREGISTERED = {
  registered: false,
  label: "",
  disabled: false,
  secret_set_at: null,
  certificates: [],
  grants: [],
  created_at: null,
};

function viewOf(
  id: string,
  { entry, seen }: { entry: DeviceView | null; seen: DeviceSeen | null },
): z.infer<typeof Device> {
  return {
    id,
    ...(entry === null ? UNREGISTERED : entryView(entry)),
    seen: seen === null ? null : {
      via: seen.via,
      first_at: timeOf(seen.firstSeenUs),
      last_at: timeOf(seen.lastSeenUs),
      messages: seen.messages,
    },
  };
}

function entryView(entry: DeviceView) {
  const { label, disabled, secretSetAtMs, certificates, grants, createdAtMs } = entry;
  return {
    ...{ registered: true, label, disabled, grants },
    secret_set_at: secretSetAtMs === null ? null : timeOfMs(secretSetAtMs),
    certificates: certificates.map(({ fingerprint, notAfterMs }) => ({
      fingerprint,
      not_after: timeOfMs(notAfterMs),
    })),
    created_at: timeOfMs(createdAtMs),
  };
}

export function deviceOperations(api: Api, parts: DeviceParts): void {
  addList(api, parts);
  addShow(api, parts);
  addRegister(api, parts);
  addChange(api, parts);
  addRemove(api, parts);
  addRequests(api, parts.auth);
}

function addList(api: Api, { auth, store }: DeviceParts): void {
  api.add({
    method: "get",
    path: "/api/devices",
    tag: TAG,
    summary: "List devices by id: registered ones and whatever was seen",
    query: z.object({ limit: limitOf(100), cursor: Cursor }),
    answer: { status: 200, text: "Devices", schema: pageOf(Device) },
  }, async ({ query: { limit, cursor = "" } }) => {
    const page = await store.query("devices.list", { limit, cursor });
    const seen = new Map(page.items.map((each) => [each.device, each]));
    const last = page.cursor;
    const entries = new Map(
      auth.devices.list().filter(({ id }) => id > cursor && (last === null || id <= last))
        .map((entry) => [entry.id, entry]),
    );
    const ids = [...new Set([...seen.keys(), ...entries.keys()])].sort(byCodeUnits);
    const shown = ids.slice(0, limit);
    const items = shown.map((id) =>
      viewOf(id, { entry: entries.get(id) ?? null, seen: seen.get(id) ?? null })
    );
    const hasMore = ids.length > limit || last !== null;
    return { items, cursor: hasMore ? shown.at(-1) ?? last : null };
  });
}

/** As the database orders them; ids are ASCII. */
function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

async function showDevice({ auth, store }: DeviceParts, id: string) {
  const entry = auth.devices.find(id);
  const { seen, latest, attributes } = await store.query("devices.summary", { device: id });
  if (entry === null && seen === null) throw notThere("device", id);
  return {
    ...viewOf(id, { entry, seen }),
    latest: latest.map(({ measurement, unit, atUs, value, flags }) => ({
      ...{ measurement, unit, value, flags },
      at: timeOf(atUs),
    })),
    attributes: attributes.map(({ name, value, atUs }) => ({ name, value, at: timeOf(atUs) })),
  };
}

function addShow(api: Api, parts: DeviceParts): void {
  api.add({
    method: "get",
    path: "/api/devices/{id}",
    tag: TAG,
    summary: "Show a device with its newest values",
    params: Seen,
    answer: { status: 200, text: "The device", schema: DeviceDetail },
  }, ({ params }) => showDevice(parts, params.id));
}

function addRegister(api: Api, { auth, withSnippets }: DeviceParts): void {
  api.add({
    method: "post",
    path: "/api/devices",
    tag: TAG,
    summary: "Register a device",
    text: "Answers with its secret, this once. From the first credential on, senders without one " +
      "are refused (mqtt.anonymous).",
    body: z.strictObject({
      id: DeviceId,
      label: Label.optional(),
      grants: z.array(Grant).max(32).optional(),
    }),
    answer: { status: 201, text: "The credential", schema: Credential },
  }, async ({ c, body: { id, label, grants } }) => {
    const by = actorOf(c);
    const credential = await auth.devices.add(id, { by, label });
    if (credential === null) throw new TypeError("A device without a secret has nothing to show");
    if (grants !== undefined) await auth.devices.setGrants(id, { grants, by });
    return await withSnippets(credential);
  });
  api.add({
    method: "post",
    path: "/api/devices/{id}/rotate",
    tag: TAG,
    summary: "Give a device a new secret",
    text: "The old one ends at once, with the connections that it opened.",
    params: Identified,
    answer: { status: 200, text: "The new credential", schema: Credential },
  }, async ({ c, params }) => await withSnippets(await auth.devices.rotate(params.id, actorOf(c))));
}

function addChange(api: Api, parts: DeviceParts): void {
  const { devices } = parts.auth;
  api.add({
    method: "patch",
    path: "/api/devices/{id}",
    tag: TAG,
    summary: "Change label, rights, or whether it may come in",
    text: "Disabling cuts its connections. `grants` replaces all rights beyond its own topics.",
    params: Identified,
    body: z.strictObject({
      label: Label.optional(),
      disabled: z.boolean().optional(),
      grants: z.array(Grant).max(32).optional(),
    }),
    answer: { status: 200, text: "As it is now", schema: DeviceDetail },
  }, async ({ c, params: { id }, body: { label, disabled, grants } }) => {
    const by = actorOf(c);
    if (label !== undefined) await devices.setLabel(id, { label, by });
    if (grants !== undefined) await devices.setGrants(id, { grants, by });
    if (disabled !== undefined) await devices.setDisabled(id, { disabled, by });
    return await showDevice(parts, id);
  });
}

function addRemove(api: Api, { auth }: DeviceParts): void {
  api.add({
    method: "delete",
    path: "/api/devices/{id}",
    tag: TAG,
    summary: "Remove a device's entry and credentials",
    text: "Cuts its connections. Its readings stay.",
    params: Identified,
    answer: { status: 204, text: "Removed" },
  }, async ({ c, params }) => {
    await auth.devices.remove(params.id, actorOf(c));
    return c.body(null, 204);
  });
}

const DeviceRequest = z.object({
  request_id: z.string(),
  device: z.string(),
  proof: z.enum(["secret", "certificate"]),
  address: z.string(),
  first_at: Time,
  last_at: Time,
  attempts: z.number().int(),
}).openapi("DeviceRequest");

const RequestId = z.object({ id: z.string().min(1).max(64) });

function addRequests(api: Api, { devices }: Auth): void {
  api.add({
    method: "get",
    path: "/api/device-requests",
    tag: TAG,
    summary: "List unknown devices that wait to be let in",
    text: 'Filled while auth.auto_registration is "ask".',
    answer: {
      status: 200,
      text: "The newest first",
      schema: z.object({ items: z.array(DeviceRequest) }),
    },
  }, () => ({
    items: devices.pending.map(({ requestId, deviceId, firstSeenAtMs, lastSeenAtMs, ...same }) => ({
      ...same,
      request_id: requestId,
      device: deviceId,
      first_at: timeOfMs(firstSeenAtMs),
      last_at: timeOfMs(lastSeenAtMs),
    })),
  }));
  api.add({
    method: "post",
    path: "/api/device-requests/{id}/approve",
    tag: TAG,
    summary: "Let an unknown device in, with the credential that it showed",
    params: RequestId,
    answer: { status: 200, text: "Registered", schema: z.object({ device: z.string() }) },
  }, async ({ c, params }) => ({ device: (await devices.approve(params.id, actorOf(c))).id }));
  api.add({
    method: "post",
    path: "/api/device-requests/{id}/dismiss",
    tag: TAG,
    summary: "Forget an unknown device's request",
    params: RequestId,
    answer: { status: 204, text: "Forgotten" },
  }, async ({ c, params }) => {
    await devices.dismiss(params.id, actorOf(c));
    return c.body(null, 204);
  });
}
