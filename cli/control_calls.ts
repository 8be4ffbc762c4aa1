/** The operations by their name on the wire, each with a check of what a client may send. */
import { z } from "zod";
import type { AccessOperations } from "@/cli/access_operations.ts";
import type { Operations } from "@/cli/operations.ts";
import { PermanentError } from "@/model/errors.ts";

/** A feed batch and a page are bounded here too, whatever the client believes. */
export const FEED_LINES_MAX = 1000;
export const PAGE_ITEMS_MAX = 1000;

const name = z.string().min(1).max(256);
const page = z.strictObject({
  limit: z.number().int().min(1).max(PAGE_ITEMS_MAX),
  cursor: z.string().max(1024).optional(),
});
const deadFilter = z.strictObject({
  destination: name.optional(),
  reason: z.string().max(1024).optional(),
  device: name.optional(),
  ids: z.array(z.string().max(64)).max(10_000).optional(),
});
const sourceDeadFilter = z.strictObject({
  reason: z.string().max(1024).optional(),
  ids: z.array(z.number().int().positive()).max(10_000).optional(),
});
const replayOptions = z.strictObject({ payload: z.string().optional() });
const feedBatch = z.strictObject({
  receiver: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  session: z.number().int().nonnegative(),
  lines: z.array(z.strictObject({
    number: z.number().int().positive(),
    text: z.string().max(65_536),
  })).min(1).max(FEED_LINES_MAX),
});
const absolutePath = z.string().regex(/^\/[^\0]+$/).max(4096);

/** One operation that ends with a result. */
export interface CallHandler {
  (operations: Operations, args: unknown[]): Promise<unknown>;
}

function call<A extends z.ZodTuple>(
  args: A,
  run: (operations: Operations, ...args: z.output<A>) => Promise<unknown>,
): CallHandler {
  return (operations, given) => run(operations, ...checked(args, given));
}

function checked<A extends z.ZodTuple>(args: A, given: unknown[]): z.output<A> {
  const result = args.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new PermanentError(
    `Cannot take the argument ${issue?.path.join(".")}: ${issue?.message}`,
    { code: "CTL-0008", hint: "use the same version of the command and the gateway" },
  );
}

const none = z.tuple([]);

/** One act on people, devices or certificates. */
function act<A extends z.ZodTuple>(
  args: A,
  run: (access: AccessOperations, ...args: z.output<A>) => Promise<unknown>,
): CallHandler {
  return async (operations, given) => await run(await operations.access(), ...checked(args, given));
}

const role = z.enum(["admin", "operator", "viewer"]);
const password = z.string().max(8192).nullable();
const days = z.number().int().positive().max(36_500).optional();
const grants = z.array(z.strictObject({
  action: z.enum(["publish", "subscribe"]),
  filter: z.string().max(1024),
})).max(1000);

const ACCESS_CALLS: [string, CallHandler][] = [
  [
    "access.userAdd",
    act(z.tuple([z.strictObject({ name, role, password })]), (a, user) => a.userAdd(user)),
  ],
  ["access.userList", act(none, (a) => a.userList())],
  [
    "access.userPassword",
    act(z.tuple([name, password]), (a, who, next) => a.userPassword(who, next)),
  ],
  ["access.userRole", act(z.tuple([name, role]), (a, who, next) => a.userRole(who, next))],
  ["access.userRemove", act(z.tuple([name]), (a, who) => a.userRemove(who))],
  [
    "access.deviceAdd",
    act(
      z.tuple([name, z.strictObject({ label: z.string().max(1024).optional() })]),
      (a, id, options) => a.deviceAdd(id, options),
    ),
  ],
  ["access.deviceList", act(none, (a) => a.deviceList())],
  ["access.deviceRotate", act(z.tuple([name]), (a, id) => a.deviceRotate(id))],
  [
    "access.deviceDisable",
    act(z.tuple([name, z.boolean()]), (a, id, disabled) => a.deviceDisable(id, disabled)),
  ],
  ["access.deviceRemove", act(z.tuple([name]), (a, id) => a.deviceRemove(id))],
  ["access.deviceGrant", act(z.tuple([name, grants]), (a, id, all) => a.deviceGrant(id, all))],
  ["access.devicePending", act(none, (a) => a.devicePending())],
  ["access.deviceApprove", act(z.tuple([name]), (a, request) => a.deviceApprove(request))],
  ["access.deviceDismiss", act(z.tuple([name]), (a, request) => a.deviceDismiss(request))],
  [
    "access.certAuthority",
    act(
      z.tuple([z.strictObject({ name: name.optional(), replace: z.boolean() })]),
      (a, options) => a.certAuthority(options),
    ),
  ],
  [
    "access.certServer",
    act(
      z.tuple([z.strictObject({ names: z.array(name).max(100), days })]),
      (a, options) => a.certServer(options),
    ),
  ],
  [
    "access.certDevice",
    act(
      z.tuple([name, z.strictObject({ days })]),
      (a, id, options) => a.certDevice(id, options),
    ),
  ],
  [
    "access.certBind",
    act(z.tuple([name, z.string().max(20_000)]), (a, id, pem) => a.certBind(id, pem)),
  ],
  [
    "access.certRevoke",
    act(z.tuple([name, name]), (a, id, fingerprint) => a.certRevoke(id, fingerprint)),
  ],
];

export const CALLS: ReadonlyMap<string, CallHandler> = new Map<string, CallHandler>([
  ["status", call(none, (o) => o.status())],
  ["queueStatus", call(none, (o) => o.queueStatus())],
  ["queueShow", call(z.tuple([name]), (o, id) => o.queueShow(id))],
  ["deadList", call(z.tuple([deadFilter, page]), (o, filter, at) => o.deadList(filter, at))],
  [
    "deadReplay",
    call(z.tuple([deadFilter, replayOptions]), (o, filter, how) => o.deadReplay(filter, how)),
  ],
  ["deadPurge", call(z.tuple([deadFilter, name]), (o, filter, by) => o.deadPurge(filter, by))],
  [
    "sourceDeadList",
    call(z.tuple([sourceDeadFilter, page]), (o, filter, at) => o.sourceDeadList(filter, at)),
  ],
  [
    "sourceDeadReplay",
    call(
      z.tuple([sourceDeadFilter, replayOptions]),
      (o, filter, how) => o.sourceDeadReplay(filter, how),
    ),
  ],
  [
    "sourceDeadPurge",
    call(z.tuple([sourceDeadFilter, name]), (o, filter, by) => o.sourceDeadPurge(filter, by)),
  ],
  ["destinationList", call(none, (o) => o.destinationList())],
  ["destinationTest", call(z.tuple([name]), (o, which) => o.destinationTest(which))],
  [
    "destinationPause",
    call(z.tuple([name, z.boolean()]), (o, which, paused) => o.destinationPause(which, paused)),
  ],
  ["destinationForget", call(z.tuple([name]), (o, which) => o.destinationForget(which))],
  ["feed", call(z.tuple([feedBatch]), (o, batch) => o.feed(batch))],
  ["backupCreate", call(z.tuple([absolutePath]), (o, file) => o.backupCreate(file))],
  ...ACCESS_CALLS,
  ["reload", call(none, (o) => o.reload())],
  ["stop", call(none, (o) => o.stop())],
]);

/** One operation that sends items until it is cancelled. */
export interface StreamHandler {
  (operations: Operations, args: unknown[], signal: AbortSignal): AsyncIterable<unknown>;
}

export const STREAMS: ReadonlyMap<string, StreamHandler> = new Map<string, StreamHandler>([
  ["tap", (operations, args, signal) => {
    const [filter] = checked(z.tuple([z.string().min(1).max(65_535)]), args);
    return operations.tap(filter, signal);
  }],
]);
