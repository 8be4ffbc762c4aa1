/** People and their roles. */
import { z } from "@hono/zod-openapi";
import type { Auth } from "@/auth/auth.ts";
import { ROLES } from "@/auth/auth_store.ts";
import type { Person } from "@/auth/people.ts";
import { notThere } from "@/auth/refusals.ts";
import { actorOf } from "@/routes/access.ts";
import type { Api } from "@/routes/api/operation.ts";
import { Time, timeOfMs } from "@/routes/api/schemas.ts";

const TAG = "People";

const User = z.object({
  name: z.string(),
  role: z.enum(ROLES),
  created_at: Time,
  password_set_at: Time,
  sessions: z.number().int().openapi({ description: "Open sign-ins" }),
}).openapi("User");

const UserName = z.string().min(1).max(64);
const Password = z.string().min(1).max(1024).openapi({ format: "password" });
const Named = z.object({ name: UserName });

function viewOf({ name, role, createdAtMs, passwordSetAtMs, sessions }: Person) {
  return {
    ...{ name, role, sessions },
    created_at: timeOfMs(createdAtMs),
    password_set_at: timeOfMs(passwordSetAtMs),
  };
}

function needUser({ people }: Auth, name: string) {
  const person = people.find(name);
  if (person === null) throw notThere("user", name);
  return viewOf(person);
}

export function userOperations(api: Api, auth: Auth): void {
  api.add({
    method: "get",
    path: "/api/users",
    tag: TAG,
    summary: "List people",
    answer: { status: 200, text: "All, by name", schema: z.object({ items: z.array(User) }) },
  }, () => ({ items: auth.people.list().map(viewOf) }));
  api.add({
    method: "post",
    path: "/api/users",
    tag: TAG,
    summary: "Add a person",
    body: z.strictObject({ name: UserName, role: z.enum(ROLES), password: Password }),
    answer: { status: 201, text: "Added", schema: User },
  }, async ({ c, body }) => viewOf(await auth.people.add(body, actorOf(c))));
  api.add({
    method: "get",
    path: "/api/users/{name}",
    tag: TAG,
    summary: "Show a person",
    params: Named,
    answer: { status: 200, text: "The person", schema: User },
  }, ({ params }) => needUser(auth, params.name));
  addChanges(api, auth);
}

function addChanges(api: Api, auth: Auth): void {
  api.add({
    method: "patch",
    path: "/api/users/{name}",
    tag: TAG,
    summary: "Change role or password",
    text: "Either one ends the person's sign-ins at once.",
    params: Named,
    body: z.strictObject({ role: z.enum(ROLES).optional(), password: Password.optional() }),
    answer: { status: 200, text: "As it is now", schema: User },
  }, async ({ c, params: { name }, body: { role, password } }) => {
    const by = actorOf(c);
    if (role !== undefined) await auth.people.setRole(name, { role, by });
    if (password !== undefined) await auth.people.setPassword(name, { password, by });
    return needUser(auth, name);
  });
  api.add({
    method: "delete",
    path: "/api/users/{name}",
    tag: TAG,
    summary: "Remove a person",
    params: Named,
    answer: { status: 204, text: "Removed, with all sign-ins" },
  }, async ({ c, params }) => {
    await auth.people.remove(params.name, actorOf(c));
    return c.body(null, 204);
  });
}
