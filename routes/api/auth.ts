/** Signing in and out of programs, the own profile and password, and the first admin's claim. */
import { z } from "@hono/zod-openapi";
import type { Auth } from "@/auth/auth.ts";
import { ROLES } from "@/auth/auth_store.ts";
import { actorOf, identityOf } from "@/routes/access.ts";
import type { Api } from "@/routes/api/operation.ts";
import { Time, timeOfMs } from "@/routes/api/schemas.ts";

const TAG = "Sign-in";

const Secret = z.string().min(1).max(1024).openapi({ format: "password" });
const UserName = z.string().min(1).max(64).openapi({ example: "ada" });

const Tokens = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.number().int().openapi({ description: "Seconds until the access token ends" }),
}).openapi("Tokens");

const Profile = z.object({
  name: z.string(),
  role: z.enum(ROLES),
  via: z.enum(["bearer", "cookie"]),
  session_id: z.string(),
  expires_at: Time,
}).openapi("Profile");

export function authOperations(api: Api, auth: Auth): void {
  api.add({
    method: "post",
    path: "/api/auth/login",
    tag: TAG,
    summary: "Sign in",
    body: z.strictObject({ username: UserName, password: Secret }),
    answer: { status: 200, text: "An access token and the token that renews it", schema: Tokens },
  }, ({ c, body }) => {
    const login = { name: body.username, password: body.password, knownBrowser: null };
    const address = c.env.remoteAddress;
    return auth.login({ ...login, address }, c.req.header("user-agent") ?? null);
  });
  api.add({
    method: "post",
    path: "/api/auth/refresh",
    tag: TAG,
    summary: "Renew the tokens",
    text: "Each refresh token works once; a second use ends all tokens of its sign-in.",
    body: z.strictObject({ refresh_token: z.string().min(1).max(512) }),
    answer: { status: 200, text: "New tokens", schema: Tokens },
  }, ({ c, body }) => auth.refresh(body.refresh_token, c.env.remoteAddress));
  addLogout(api, auth);
  addProfile(api);
  addPassword(api, auth);
  addClaim(api, auth);
}

function addLogout(api: Api, auth: Auth): void {
  api.add({
    method: "post",
    path: "/api/auth/logout",
    tag: TAG,
    summary: "Sign out",
    text: "Ends this sign-in at once: its tokens and its live streams.",
    answer: { status: 204, text: "Signed out" },
  }, async ({ c }) => {
    const { name: by, address } = actorOf(c);
    await auth.sessions.end(identityOf(c).sessionId, { by, address });
    return c.body(null, 204);
  });
}

function addProfile(api: Api): void {
  api.add({
    method: "get",
    path: "/api/auth/profile",
    tag: TAG,
    summary: "Show who is signed in",
    answer: { status: 200, text: "The signed-in person", schema: Profile },
  }, ({ c }) => {
    const { name, role, via, sessionId, expiresAtMs } = identityOf(c);
    return { name, role, via, session_id: sessionId, expires_at: timeOfMs(expiresAtMs) };
  });
}

function addPassword(api: Api, auth: Auth): void {
  api.add({
    method: "post",
    path: "/api/auth/password",
    tag: TAG,
    summary: "Change the own password",
    text: "Ends every other sign-in of the same person.",
    body: z.strictObject({ current: Secret, next: Secret }),
    answer: { status: 204, text: "Changed" },
  }, async ({ c, body }) => {
    const { name, sessionId: keepSessionId } = identityOf(c);
    const { current: password, next } = body;
    const login = { name, password, address: c.env.remoteAddress, knownBrowser: null };
    await auth.people.changeOwnPassword({ ...login, next, keepSessionId });
    return c.body(null, 204);
  });
}

function addClaim(api: Api, auth: Auth): void {
  api.add({
    method: "post",
    path: "/api/claim",
    tag: TAG,
    summary: "Create the first admin",
    text: "The token is part of the link that a gateway without an admin prints into its log; " +
      "it works once, for 30 minutes.",
    body: z.strictObject({
      token: z.string().min(1).max(128),
      username: UserName,
      password: Secret,
    }),
    answer: { status: 201, text: "The admin's first tokens", schema: Tokens },
  }, async ({ c, body }) => {
    const address = c.env.remoteAddress;
    const { username: name, password, token } = body;
    await auth.claim.use(token, { name, password, by: { name, address } });
    const login = { name, password, address, knownBrowser: null };
    return auth.login(login, c.req.header("user-agent") ?? null);
  });
}
