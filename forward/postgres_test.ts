import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { Delivery } from "@/forward/delivery.ts";
import type { BatchEntry } from "@/forward/destination.ts";
import type { CommonOptions, Notice, PostgresOptions } from "@/forward/forward_types.ts";
import { PostgresDestination } from "@/forward/postgres.ts";
import { MIGRATION_LOCK, SCHEMA_VERSION } from "@/forward/postgres_schema.ts";
import { systemTiming } from "@/forward/timing.ts";
import { PermanentError, type SluiceError, TransientError } from "@/model/errors.ts";
import { TestAuthority } from "@/tests/helpers/certificates.ts";
import { commonOptions } from "@/tests/helpers/destination_options.ts";
import { batchEntry, interpretRow } from "@/tests/helpers/log_rows.ts";
import { MemoryLog } from "@/tests/helpers/memory_log.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { until } from "@/tests/helpers/until.ts";

let server: PostgresServer;
Deno.test.beforeAll(async () => {
  server = await PostgresServer.start();
});
Deno.test.afterAll(() => server[Symbol.asyncDispose]());

interface OpenOptions extends Partial<Omit<PostgresOptions, "type">> {
  database: string;
  query?: string;
  user?: string;
}

/** A destination of its own database that closes itself. */
class Rig implements AsyncDisposable {
  readonly destination: PostgresDestination;
  readonly notices: Omit<Notice, "destination">[] = [];

  constructor({ database, query, user, ...options }: OpenOptions) {
    this.destination = new PostgresDestination({
      ...commonOptions(),
      type: "postgres",
      url: server.url({ database, query, user }),
      password: null,
      ...options,
    }, { lost: () => {}, notice: (notice) => this.notices.push(notice) });
  }

  prepare(): Promise<void> {
    return this.destination.prepare(patience());
  }

  write(batch: BatchEntry[]) {
    return this.destination.write(batch, patience());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destination.close(patience());
  }
}

function patience(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

/** Expects an error of this class and code, worded for an operator. */
async function fails(
  attempt: Promise<unknown>,
  { code, message, permanent = false }: { code: string; message: RegExp; permanent?: boolean },
): Promise<void> {
  await assert.rejects(attempt, (error: SluiceError) => {
    assert(error instanceof (permanent ? PermanentError : TransientError), String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.match(error.hint, /^[A-Z].*[^.]$/);
    return true;
  });
}

async function interruption(rig: Rig, batch: BatchEntry[]): Promise<never> {
  const { interrupted } = await rig.write(batch);
  throw interrupted;
}

Deno.test("postgres: a reading's row holds everything exactly", async () => {
  const database = await server.createDatabase();
  await using rig = new Rig({ database });
  await rig.prepare();
  const entry = batchEntry(7, {
    device: "dev-1",
    seq: 9007199254740991,
    receivedUs: 1_767_225_600_123_456,
    clockUntrusted: true,
    traceId: "0af7651916cd43dd8448eb211c80319c",
    payload: JSON.stringify({
      ts: "2026-01-01T00:00:00.123456789Z",
      values: { temperature: 26.7, odd_name: { value: 1e-7, unit: "µS/cm €" }, on: true },
      tags: { room: "Küche 🍳 'quoted\"" },
    }),
  });
  assert.equal((await rig.write([entry])).decided, 1);
  const rows = await server.query(
    `SELECT message_id, item, device, measurement, to_char(at AT TIME ZONE 'UTC',
       'YYYY-MM-DD"T"HH24:MI:SS.US') AS at, value, unit, gateway,
       (extract(epoch FROM received_at) * 1000000)::bigint AS received, seq, trace_id, flags, tags
     FROM readings ORDER BY item`,
    { database },
  );
  const common = {
    message_id: entry.message.id,
    device: "dev-1",
    at: "2026-01-01T00:00:00.123456",
    gateway: "gw1",
    received: 1_767_225_600_123_456,
    seq: 9007199254740991,
    trace_id: "0af7651916cd43dd8448eb211c80319c",
    flags: ["clock_untrusted"],
    tags: { room: "Küche 🍳 'quoted\"" },
  };
  assert.deepEqual(rows, [
    { ...common, item: 0, measurement: "temperature", value: 26.7, unit: "celsius" },
    { ...common, item: 1, measurement: "odd_name", value: 1e-7, unit: "µS/cm €" },
    { ...common, item: 2, measurement: "on", value: 1, unit: null },
  ]);
});

Deno.test("postgres: predictions and attributes have their tables", async () => {
  const database = await server.createDatabase();
  await using rig = new Rig({ database, gatewayId: null });
  await rig.prepare();
  const sent = {
    seq: 17,
    ts: 1767225600000,
    label: "person",
    score: 0.93,
    avg: 0.9,
    window: 5,
    model: "silhouette-v1",
    debug: { us: 3544, note: "a\\u0000b" },
  };
  const prediction = batchEntry(1, {
    device: "cam",
    seq: 17,
    topic: "devices/cam/prediction",
    payload: JSON.stringify(sent),
  });
  const bare = batchEntry(2, {
    device: "cam",
    topic: "devices/cam/prediction",
    payload: '{"label":"empty","score":1}',
  });
  const mixed = batchEntry(3, { values: { temperature: 1, firmware: "1.2 'é' \\ \n" } });
  assert.equal((await rig.write([prediction, bare, mixed])).decided, 3);
  const predictions = await server.query(
    `SELECT item, device, extract(epoch FROM at) AS at, label, score, avg_score, "window", model,
       gateway, seq, trace_id, flags, debug FROM predictions ORDER BY message_id`,
    { database },
  );
  const { message: { id, receivedUs } } = bare;
  assert.deepEqual(predictions, [
    {
      ...{ item: 0, device: "cam", at: 1767225600, label: "person", score: 0.93, avg_score: 0.9 },
      ...{ window: 5, model: "silhouette-v1", gateway: null, seq: 17, flags: [] },
      trace_id: prediction.message.id,
      debug: { us: 3544, note: "a\\u0000b" },
    },
    {
      ...{ item: 0, device: "cam", at: receivedUs / 1e6, label: "empty", score: 1 },
      ...{ avg_score: null, window: null, model: null, gateway: null, seq: null, flags: [] },
      trace_id: id,
      debug: null,
    },
  ]);
  const attributes = await server.query(
    "SELECT message_id, item, device, name, value FROM attributes",
    { database },
  );
  assert.deepEqual(attributes, [{
    ...{ message_id: mixed.message.id, item: 0, device: "d1", name: "firmware" },
    value: "1.2 'é' \\ \n",
  }]);
});

Deno.test("postgres: the item of a row does not depend on the filter", async () => {
  const database = await server.createDatabase();
  const entry = batchEntry(1, { values: { temperature: 1, humidity: 2 } });
  for (const measurements of [["humidity"], []]) {
    await using rig = new Rig({ database, filter: { devices: [], measurements } });
    await rig.prepare();
    await rig.write([entry]);
  }
  const rows = await server.query("SELECT item, measurement FROM readings ORDER BY item", {
    database,
  });
  assert.deepEqual(rows, [{ item: 0, measurement: "temperature" }, {
    item: 1,
    measurement: "humidity",
  }]);
});

Deno.test("postgres: one bad row of 500 costs at most ten more sends", async () => {
  const database = await server.createDatabase();
  const options = { ...commonOptions({ batchMessagesMax: 500 }), type: "postgres" } as const;
  const log = new MemoryLog([options.name]);
  const sizes: number[] = [];
  const delivery = new Delivery({
    options: { ...options, url: server.url({ database }), password: null },
    open: (events) =>
      new PostgresDestination(
        { ...options, url: server.url({ database }), password: null },
        events,
      ),
    store: log,
    reader: log,
    interpret: interpretRow,
    timing: systemTiming(),
    listener: {
      onStatus: () => {},
      onBatch: ({ messages }) => sizes.push(messages),
      onNotice: () => {},
    },
  });
  delivery.start();
  await until(() => delivery.status.mode === "idle", { what: "the tables are there" });
  await server.execute("ALTER TABLE readings ADD CHECK (value <> 333)", { database });
  log.append(500);
  await until(() => log.ledger(options.name).acked === 499, { what: "the good ones are there" });
  await delivery.stop(5_000);
  assert(sizes.length <= 11, `${sizes}`);
  assert.deepEqual(log.deadLetters.map(({ number }) => number), [333]);
  const [row] = await server.query("SELECT count(*), min(value), max(value) FROM readings", {
    database,
  });
  assert.deepEqual(row, { count: 499, min: 1, max: 500 });
});

Deno.test("postgres: several gateways create the tables at the same time", async () => {
  const database = await server.createDatabase();
  const rigs = Array.from({ length: 8 }, () => new Rig({ database }));
  await Promise.all(rigs.map((rig) => rig.prepare()));
  await Promise.all(rigs.map((rig, index) => rig.write([batchEntry(index + 1)])));
  await Promise.all(rigs.map((rig) => rig[Symbol.asyncDispose]()));
  const versions = await server.query("SELECT version FROM sluice_schema", { database });
  assert.deepEqual(versions, [{ version: SCHEMA_VERSION }]);
  assert.equal((await server.query("SELECT FROM readings", { database })).length, 8);
});

Deno.test("postgres: a dropped table is an error of no message, and made again", async () => {
  const database = await server.createDatabase();
  await using rig = new Rig({ database });
  await rig.prepare();
  await server.execute("DROP TABLE readings", { database });
  await fails(interruption(rig, [batchEntry(1)]), {
    code: "FWD-0106",
    message: /relation "readings" does not exist/,
  });
  await rig.prepare();
  assert.equal((await rig.write([batchEntry(1)])).decided, 1);
});

Deno.test("postgres: wrong credentials, databases and schemas are named", async () => {
  const database = await server.createDatabase();
  await using password = new Rig({ database, password: "wrong" });
  await fails(password.prepare(), { code: "FWD-0102", message: /password authentication failed/ });
  await using missing = new Rig({ database: "no_such_database" });
  await fails(missing.prepare(), {
    code: "FWD-0103",
    message: /"no_such_database" does not exist/,
  });
  await using schema = new Rig({ database, query: "search_path=nowhere" });
  await fails(schema.prepare(), { code: "FWD-0104", message: /no schema of search_path exists/ });
  await using setting = new Rig({ database, query: "sslmode=sometimes" });
  await fails(setting.prepare(), { code: "FWD-0112", message: /sslmode "sometimes"/ });
});

Deno.test("postgres: a read-only database keeps the messages", async () => {
  const database = await server.createDatabase();
  await using rig = new Rig({ database });
  await rig.prepare();
  await server.execute(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
  await using late = new Rig({ database });
  await fails(late.prepare(), { code: "FWD-0107", message: /read-only/ });
  await using setting = new Rig({ database, query: "default_transaction_read_only=on" });
  await fails(setting.prepare(), { code: "FWD-0107", message: /read-only/ });
});

Deno.test("postgres: a role without rights is told what to grant, and works with them", async () => {
  const database = await server.createDatabase();
  await server.execute(
    "CREATE ROLE plain LOGIN PASSWORD 'x'; REVOKE ALL ON SCHEMA public FROM PUBLIC;" +
      "GRANT USAGE ON SCHEMA public TO plain",
    { database },
  );
  await using rig = new Rig({ database, user: "plain", password: "x" });
  await fails(rig.prepare(), {
    code: "FWD-0105",
    message: /"plain" lacks CREATE on schema public/,
  });
  await using owner = new Rig({ database });
  await owner.prepare();
  await fails(rig.prepare(), { code: "FWD-0105", message: /"plain" lacks INSERT on all tables/ });
  await server.execute(
    "GRANT INSERT ON readings, predictions, attributes TO plain; " +
      "GRANT SELECT ON sluice_schema TO plain",
    { database },
  );
  await rig.prepare();
  assert.equal((await rig.write([batchEntry(1)])).decided, 1);
});

Deno.test("postgres: the tables live where search_path says, also under odd names", async () => {
  const database = await server.createDatabase();
  await server.execute(`CREATE SCHEMA "we ird""s"; CREATE TABLE public.readings (mine int)`, {
    database,
  });
  await using foreign = new Rig({ database });
  await fails(foreign.prepare(), {
    code: "FWD-0115",
    message: /"readings": column "message_id" is missing/,
  });
  const query = `search_path=${encodeURIComponent('"we ird""s"')}`;
  await using rig = new Rig({ database, query });
  await rig.prepare();
  await rig.write([batchEntry(1)]);
  const rows = await server.query(`SELECT value FROM "we ird""s".readings`, { database });
  assert.deepEqual(rows, [{ value: 1 }]);
});

Deno.test("postgres: tables of a newer gateway are left alone", async () => {
  const database = await server.createDatabase();
  await using rig = new Rig({ database });
  await rig.prepare();
  await server.execute("INSERT INTO sluice_schema VALUES (1000)", { database });
  await fails(rig.prepare(), { code: "FWD-0114", message: /have version 1000/ });
});

Deno.test("postgres: constraints and triggers refuse a message, a foreign column does not", async () => {
  const database = await server.createDatabase();
  await using rig = new Rig({ database });
  await rig.prepare();
  await server.execute(
    `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN IF NEW.value = 2 THEN RAISE EXCEPTION 'not two'; END IF; RETURN NEW; END $$;
     CREATE TRIGGER no BEFORE INSERT ON readings FOR EACH ROW EXECUTE FUNCTION no();`,
    { database },
  );
  await fails(interruption(rig, [batchEntry(2)]), {
    code: "FWD-0111",
    message: /not two.*P0001/,
    permanent: true,
  });
  await server.execute("ALTER TABLE readings ADD owner text NOT NULL", { database });
  await fails(interruption(rig, [batchEntry(3)]), {
    code: "FWD-0101",
    message: /null value in column "owner"/,
  });
});

Deno.test("postgres: a locked table ends with the time, here and at the server", async () => {
  const database = await server.createDatabase();
  await using rig = new Rig({ database, timeoutMs: 300 });
  await rig.prepare();
  await using locker = new Rig({ database });
  await locker.prepare();
  const holder = server.execute("BEGIN; LOCK TABLE readings; SELECT pg_sleep(1000)", { database })
    .catch(() => {});
  await until(async () => {
    const rows = await server.query(
      "SELECT FROM pg_locks WHERE relation = 'readings'::regclass AND mode = 'AccessExclusiveLock'",
      { database },
    );
    return rows.length > 0;
  }, { what: "the table is locked" });
  // the server's own limit, without any abort of ours
  await fails(interruption(rig, [batchEntry(1)]), { code: "FWD-0109", message: /timeout/ });
  // ours, before the server's
  const limit = new AbortController();
  const writing = locker.destination.write([batchEntry(2)], limit.signal);
  limit.abort();
  assert((await writing).interrupted instanceof TransientError);
  await server.execute(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'
       AND query LIKE '%pg_sleep%'`,
  );
  await holder;
  await rig.prepare();
  assert.equal((await rig.write([batchEntry(1)])).decided, 1);
});

Deno.test("postgres: waiting for another gateway's migration can be broken off", async () => {
  const database = await server.createDatabase();
  const holder = server.execute(
    `SELECT pg_advisory_lock(${MIGRATION_LOCK}), pg_sleep(1000)`,
    { database },
  ).catch(() => {});
  const locks = () =>
    server.query(
      "SELECT granted FROM pg_locks WHERE locktype = 'advisory' AND database = " +
        `(SELECT oid FROM pg_database WHERE datname = '${database}')`,
    );
  await until(async () => (await locks()).length === 1, { what: "the lock is held" });
  await using rig = new Rig({ database });
  const limit = new AbortController();
  const preparing = rig.destination.prepare(limit.signal);
  preparing.catch(() => {});
  await until(async () => (await locks()).length === 2, { what: "it waits for the lock" });
  limit.abort();
  await assert.rejects(preparing, TransientError);
  await server.execute(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`,
  );
  await holder;
  await rig.prepare();
});

Deno.test("postgres: a server that hangs up at once is an error, not a loop", async () => {
  const listener = createServer((socket) => void socket.on("error", () => {}).end());
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  assert(address !== null && typeof address !== "string");
  await using rig = new Rig({
    database: "x",
    url: `postgres://user:password@127.0.0.1:${address.port}/x`,
  });
  await assert.rejects(rig.prepare(), /closed/);
  listener.close();
  await once(listener, "close");
});

Deno.test("postgres: TLS is verified by the given authority and the name", async () => {
  const authority = await TestAuthority.create();
  const tls = await authority.issue("127.0.0.1", [{ type: "ip", value: "127.0.0.1" }]);
  await using secured = await PostgresServer.start({ tls });
  const stranger = await TestAuthority.create("Another CA");
  const open = (options: Partial<CommonOptions>, query = "") =>
    new PostgresDestination({
      ...commonOptions(options),
      type: "postgres",
      url: secured.url({ query }),
      password: null,
    }, { lost: () => {}, notice: () => {} });
  const attempt = async (mode: "verify" | "insecure" | "auto", ca: string | null, query = "") => {
    const destination = open({ tls: { mode, ca } }, query);
    try {
      return await destination.test(patience());
    } finally {
      await destination.close(patience());
    }
  };
  assert.match(await attempt("verify", authority.certificate), /PostgreSQL 15/);
  assert.match(
    await attempt("auto", authority.certificate, "sslmode=verify-full"),
    /PostgreSQL 15/,
  );
  assert.match(await attempt("insecure", null), /PostgreSQL 15/);
  assert.match(await attempt("auto", null, "sslmode=require"), /PostgreSQL 15/);
  await fails(attempt("verify", stranger.certificate), { code: "FWD-0010", message: /start TLS/ });
  await fails(attempt("verify", null), { code: "FWD-0010", message: /start TLS/ });
  const plain = new Rig({ database: "postgres", tls: { mode: "verify", ca: null } });
  await fails(plain.prepare(), { code: "FWD-0113", message: /does not speak it/ });
});

Deno.test("postgres: a certificate for another name is refused", async () => {
  const authority = await TestAuthority.create();
  const tls = await authority.issue("db.example", [{ type: "dns", value: "db.example" }]);
  await using secured = await PostgresServer.start({ tls });
  const test = async (query: string) => {
    const destination = new PostgresDestination({
      ...commonOptions({ tls: { mode: "auto", ca: authority.certificate } }),
      type: "postgres",
      url: secured.url({ query }),
      password: null,
    }, { lost: () => {}, notice: () => {} });
    try {
      return await destination.test(patience());
    } finally {
      await destination.close(patience());
    }
  };
  await fails(test("sslmode=verify-full"), { code: "FWD-0010", message: /start TLS/ });
  assert.match(await test("sslmode=verify-ca"), /PostgreSQL 15/);
});

Deno.test("postgres: with TimescaleDB's functions, hypertables and retention are asked for", async () => {
  // The extension is not in Debian. What is tested is which of its functions are called, and how.
  const database = await server.createDatabase();
  await server.execute(
    `CREATE SCHEMA ts; CREATE TABLE ts.calls (n serial, call text);
     CREATE FUNCTION ts.create_hypertable(relation regclass, time_column_name name,
       if_not_exists bool, migrate_data bool) RETURNS void LANGUAGE sql AS
       $$ INSERT INTO ts.calls(call) VALUES (format('hypertable %s %s', $1, $2)) $$;
     CREATE FUNCTION ts.remove_retention_policy(relation regclass, if_exists bool) RETURNS void
       LANGUAGE sql AS $$ INSERT INTO ts.calls(call) VALUES (format('remove %s', $1)) $$;
     CREATE FUNCTION ts.add_retention_policy(relation regclass, drop_after interval) RETURNS void
       LANGUAGE sql AS $$ INSERT INTO ts.calls(call) VALUES (format('add %s %s', $1, $2)) $$;
     INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
       VALUES (99999, 'timescaledb', 10, 'ts'::regnamespace, false, '2.0');`,
    { database },
  );
  await using rig = new Rig({ database, retentionMs: 30 * 86_400_000 });
  await rig.prepare();
  const calls = await server.query<{ call: string }>("SELECT call FROM ts.calls ORDER BY n", {
    database,
  });
  assert.deepEqual(calls.map(({ call }) => call), [
    "hypertable readings at",
    "hypertable predictions at",
    "remove readings",
    "add readings 720:00:00",
    "remove predictions",
    "add predictions 720:00:00",
  ]);
});

Deno.test("postgres: a retention that cannot be set is said, and nothing else", async () => {
  const database = await server.createDatabase();
  await using rig = new Rig({ database, retentionMs: 1000 });
  await rig.prepare();
  assert.equal(rig.notices[0]?.code, "FWD-0116");
  assert.equal((await rig.write([batchEntry(1)])).decided, 1);
});
