/** Every answer of access control that is not yes, with its code and what to do next. */
import { HttpError } from "@/model/errors.ts";
import type { Role } from "@/auth/auth_store.ts";

const BEARER = { "WWW-Authenticate": 'Bearer realm="sluice"' };

/** One text for a wrong name, a wrong password and a person without one: they look the same. */
export function wrongLogin(): HttpError {
  return new HttpError(401, "The user name or the password is wrong", {
    code: "AUTH-0401",
    hint: 'check both; "sluice user password NAME" on the gateway sets a new password',
  });
}

export function loginThrottled(retryAfterSeconds: number): HttpError {
  const seconds = Math.max(1, Math.ceil(retryAfterSeconds));
  return new HttpError(429, `Too many failed sign-ins, wait ${seconds} s`, {
    code: "AUTH-0429",
    hint: "wait and try again; a browser that signed in before is not held up by others",
    headers: { "Retry-After": String(seconds) },
  });
}

export function tooBusy(): HttpError {
  return new HttpError(503, "Too many sign-ins and account changes at once", {
    code: "AUTH-0503",
    hint: "try again in a few seconds",
    headers: { "Retry-After": "2" },
  });
}

export function notSignedIn(): HttpError {
  return new HttpError(401, "This needs a signed-in person", {
    code: "AUTH-0402",
    hint: 'sign in, or send "Authorization: Bearer …" with a token of POST /api/auth/login',
    headers: BEARER,
  });
}

/** The reason stays inside: a caller with a forged token learns nothing from the answer. */
export function badToken(): HttpError {
  return new HttpError(401, "The token is not valid or not any more", {
    code: "AUTH-0403",
    hint: "get a new one with POST /api/auth/refresh, or sign in again",
    headers: { "WWW-Authenticate": 'Bearer realm="sluice", error="invalid_token"' },
  });
}

export function badRefreshToken(): HttpError {
  return new HttpError(401, "The refresh token is not valid or not any more", {
    code: "AUTH-0404",
    hint: "sign in again; each refresh token works once, a second use ends its whole family",
  });
}

export function badClientCertificate(why: string): HttpError {
  return new HttpError(401, `The client certificate is not accepted: ${why}`, {
    code: "AUTH-0413",
    hint: "use a certificate of this gateway's authority that has not expired, or none; " +
      '"sluice cert device ID" issues one',
  });
}

export function notAllowed(needed: Role, has: Role): HttpError {
  return new HttpError(403, `This needs the role ${needed}, you are ${has}`, {
    code: "AUTH-0405",
    hint: "ask an admin to do it or to change your role",
  });
}

export function foreignOrigin(origin: string | null): HttpError {
  const from = origin === null ? "no origin" : `origin "${origin.slice(0, 100)}"`;
  return new HttpError(403, `The request comes from another site: ${from}`, {
    code: "AUTH-0406",
    hint: "use the gateway's own pages; programs use a bearer token instead of the cookie",
  });
}

export function csrfMissing(): HttpError {
  return new HttpError(403, "The form's token is missing or out of date", {
    code: "AUTH-0407",
    hint: "reload the page and send the form again",
  });
}

export function unknownPath(path: string): HttpError {
  return new HttpError(404, `Nothing is at "${path.slice(0, 200)}"`, {
    code: "HTTP-0404",
    hint: "the paths of the HTTP API are listed in the reference",
  });
}

export function claimClosed(): HttpError {
  return new HttpError(403, "The claim link is not valid or not any more", {
    code: "AUTH-0408",
    hint: "restart the gateway for a new link, or run: sluice user add NAME --role admin",
  });
}

export function invalid(what: string, hint: string): HttpError {
  return new HttpError(400, what, { code: "AUTH-0400", hint });
}

export function alreadyThere(what: string, hint: string): HttpError {
  return new HttpError(409, what, { code: "AUTH-0409", hint });
}

export function noSuchCertificate(device: string): HttpError {
  return new HttpError(404, `The device "${device.slice(0, 64)}" has no such certificate`, {
    code: "AUTH-0410",
    hint: "give the fingerprint as the device's page or device list --json shows it",
  });
}

export function notThere(kind: "user" | "device" | "session" | "request", id: string): HttpError {
  return new HttpError(404, `There is no ${kind} "${id.slice(0, 80)}"`, {
    code: "AUTH-0410",
    hint: `list what exists with: sluice ${kind === "user" ? "user" : "device"} list`,
  });
}

export function limitReached(what: string, max: number): HttpError {
  return new HttpError(409, `There are ${max} ${what} already, no more are kept`, {
    code: "AUTH-0411",
    hint: `remove ${what} that are not needed any more`,
  });
}

export function lastAdmin(): HttpError {
  return new HttpError(409, "The last admin cannot be removed or lose the role", {
    code: "AUTH-0412",
    hint: "make somebody else an admin first",
  });
}
