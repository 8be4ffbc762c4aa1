/**
 * The tables of access: people and their sessions, devices and their credentials, facts. Small by the
 * limits of whoever decides; read whole at the start, then only written. The shapes are those of
 * `auth/auth_store.ts`, which fulfils its interface with the two functions here and the audit query.
 */
import type { Database } from "@/store/database.ts";
import { addAudit, type AuditLine } from "@/store/settings_table.ts";

interface Person {
  id: string;
  name: string;
  role: "admin" | "operator" | "viewer";
  passwordHash: string;
  tokenVersion: number;
  createdAtMs: number;
  passwordSetAtMs: number;
}

interface PersonSession {
  id: string;
  userId: string;
  kind: "browser" | "token";
  selector: string;
  secretHash: string;
  createdAtMs: number;
  usedAtMs: number;
  expiresAtMs: number;
  address: string;
  agent: string;
}

interface DeviceCertificate {
  fingerprint: string;
  notBeforeMs: number;
  notAfterMs: number;
  addedAtMs: number;
  origin: "issued" | "given" | "auto";
}

interface DeviceGrant {
  action: "publish" | "subscribe";
  filter: string;
}

interface DeviceCredentials {
  id: string;
  label: string;
  disabled: boolean;
  secret: { salt: string; hash: string; setAtMs: number } | null;
  certificates: DeviceCertificate[];
  grants: DeviceGrant[];
  origin: "added" | "auto";
  createdAtMs: number;
}

export type AccessChange =
  | { type: "put_user"; user: Person }
  | { type: "delete_user"; id: string }
  | { type: "put_session"; session: PersonSession }
  | { type: "delete_session"; id: string }
  | { type: "put_device"; device: DeviceCredentials }
  | { type: "delete_device"; id: string }
  | { type: "put_fact"; fact: "device_credential"; atMs: number }
  | { type: "audit"; entry: AuditLine };

export interface AccessState {
  users: Person[];
  sessions: PersonSession[];
  devices: DeviceCredentials[];
  facts: { fact: "device_credential"; atMs: number }[];
}

/** Applies the changes in their order, inside the transaction of the caller. */
export function applyAccess(
  db: Database,
  changes: readonly AccessChange[],
  options: { auditMax?: number } = {},
): void {
  for (const change of changes) {
    if (change.type === "audit") addAudit(db, change.entry, options.auditMax);
    else applyChange(db, change);
  }
}

/** Sessions of a restored database may have been ended since: everybody signs in again. */
export function endPeopleSessions(db: Database): void {
  db.run("DELETE FROM people_sessions");
}

function applyChange(db: Database, change: Exclude<AccessChange, { type: "audit" }>): void {
  switch (change.type) {
    case "put_user":
      return putPerson(db, change.user);
    case "delete_user":
      db.run("DELETE FROM people_sessions WHERE person = ?", change.id);
      db.run("DELETE FROM people WHERE id = ?", change.id);
      return;
    case "put_session":
      return putSession(db, change.session);
    case "delete_session":
      db.run("DELETE FROM people_sessions WHERE id = ?", change.id);
      return;
    case "put_device":
      return putDevice(db, change.device);
    case "delete_device":
      return deleteDevice(db, change.id);
    case "put_fact":
      db.run(
        "INSERT OR IGNORE INTO access_facts (fact, at_ms) VALUES (?, ?)",
        change.fact,
        change.atMs,
      );
  }
}

/** Not `OR REPLACE`: that would remove somebody else of the same name instead of failing. */
function putPerson(db: Database, person: Person): void {
  db.run(
    `INSERT INTO people (id, name, role, password_hash, token_version, created_at_ms,
       password_set_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role,
       password_hash = excluded.password_hash, token_version = excluded.token_version,
       created_at_ms = excluded.created_at_ms, password_set_at_ms = excluded.password_set_at_ms`,
    person.id,
    person.name,
    person.role,
    person.passwordHash,
    person.tokenVersion,
    person.createdAtMs,
    person.passwordSetAtMs,
  );
}

function putSession(db: Database, session: PersonSession): void {
  if (db.number("SELECT count(*) FROM people WHERE id = ?", session.userId) === 0) {
    throw new Error(`Cannot keep a session of "${session.userId}": there is no such person`);
  }
  db.run(
    `INSERT OR REPLACE INTO people_sessions (id, person, kind, selector, secret_hash,
       created_at_ms, used_at_ms, expires_at_ms, address, agent)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    session.id,
    session.userId,
    session.kind,
    session.selector,
    session.secretHash,
    session.createdAtMs,
    session.usedAtMs,
    session.expiresAtMs,
    session.address,
    session.agent,
  );
}

function putDevice(db: Database, device: DeviceCredentials): void {
  deleteDevice(db, device.id);
  db.run(
    `INSERT INTO device_credentials (id, label, disabled, secret_salt, secret_hash,
       secret_set_at_ms, origin, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    device.id,
    device.label,
    device.disabled ? 1 : 0,
    device.secret?.salt ?? null,
    device.secret?.hash ?? null,
    device.secret?.setAtMs ?? null,
    device.origin,
    device.createdAtMs,
  );
  for (const [place, certificate] of device.certificates.entries()) {
    putCertificate(db, certificate, { device: device.id, place });
  }
  for (const [place, { action, filter }] of device.grants.entries()) {
    db.run(
      "INSERT INTO device_grants (device, place, action, filter) VALUES (?, ?, ?, ?)",
      device.id,
      place,
      action,
      filter,
    );
  }
}

function putCertificate(
  db: Database,
  certificate: DeviceCertificate,
  { device, place }: { device: string; place: number },
): void {
  db.run(
    `INSERT INTO device_certificates (device, place, fingerprint, not_before_ms, not_after_ms,
       added_at_ms, origin) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    device,
    place,
    certificate.fingerprint,
    certificate.notBeforeMs,
    certificate.notAfterMs,
    certificate.addedAtMs,
    certificate.origin,
  );
}

function deleteDevice(db: Database, id: string): void {
  db.run("DELETE FROM device_grants WHERE device = ?", id);
  db.run("DELETE FROM device_certificates WHERE device = ?", id);
  db.run("DELETE FROM device_credentials WHERE id = ?", id);
}

/** Everything but the audit trail. */
export function readAccess(db: Database): AccessState {
  return {
    users: db.all<Person>(
      `SELECT id, name, role, password_hash AS passwordHash, token_version AS tokenVersion,
         created_at_ms AS createdAtMs, password_set_at_ms AS passwordSetAtMs FROM people`,
    ).map((row) => ({ ...row })),
    sessions: db.all<PersonSession>(
      `SELECT id, person AS userId, kind, selector, secret_hash AS secretHash,
         created_at_ms AS createdAtMs, used_at_ms AS usedAtMs, expires_at_ms AS expiresAtMs,
         address, agent FROM people_sessions ORDER BY created_at_ms, id`,
    ).map((row) => ({ ...row })),
    devices: readDevices(db),
    facts: db.all<AccessState["facts"][number]>(
      "SELECT fact, at_ms AS atMs FROM access_facts",
    ).map((row) => ({ ...row })),
  };
}

interface DeviceRow {
  id: string;
  label: string;
  disabled: number;
  salt: string | null;
  hash: string | null;
  setAtMs: number | null;
  origin: "added" | "auto";
  createdAtMs: number;
}

function readDevices(db: Database): DeviceCredentials[] {
  const certificates = perDevice<DeviceCertificate>(db.all(
    `SELECT device, fingerprint, not_before_ms AS notBeforeMs, not_after_ms AS notAfterMs,
       added_at_ms AS addedAtMs, origin FROM device_certificates ORDER BY device, place`,
  ));
  const grants = perDevice<DeviceGrant>(
    db.all("SELECT device, action, filter FROM device_grants ORDER BY device, place"),
  );
  return db.all<DeviceRow>(
    `SELECT id, label, disabled, secret_salt AS salt, secret_hash AS hash,
       secret_set_at_ms AS setAtMs, origin, created_at_ms AS createdAtMs FROM device_credentials`,
  ).map(({ salt, hash, setAtMs, disabled, ...row }) => ({
    ...row,
    disabled: disabled !== 0,
    secret: salt === null || hash === null ? null : { salt, hash, setAtMs: setAtMs ?? 0 },
    certificates: certificates.get(row.id) ?? [],
    grants: grants.get(row.id) ?? [],
  }));
}

function perDevice<T>(rows: (T & { device: string })[]): Map<string, T[]> {
  const lists = new Map<string, T[]>();
  for (const { device, ...rest } of rows) {
    const list = lists.get(device) ?? [];
    lists.set(device, list);
    list.push(rest as T);
  }
  return lists;
}
