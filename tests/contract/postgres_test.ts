import type { BatchEntry } from "@/forward/destination.ts";
import { PostgresDestination } from "@/forward/postgres.ts";
import { destinationContract, type DestinationRig } from "@/tests/contract/destination_contract.ts";
import { commonOptions } from "@/tests/helpers/destination_options.ts";
import { FaultProxy } from "@/tests/helpers/fault_proxy.ts";
import { batchEntry } from "@/tests/helpers/log_rows.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";

let server: PostgresServer;
Deno.test.beforeAll(async () => {
  server = await PostgresServer.start();
});
Deno.test.afterAll(() => server[Symbol.asyncDispose]());

const READINGS = `
  SELECT device, measurement, value, (extract(epoch FROM at) * 1000)::float8 AS "atMs"
  FROM readings ORDER BY message_id, item`;

async function startPostgres(): Promise<DestinationRig> {
  const database = await server.createDatabase();
  const proxy = await FaultProxy.start(server.port);
  return {
    open: (events, filter) =>
      new PostgresDestination({
        ...commonOptions({ filter }),
        type: "postgres",
        url: server.url({ database, port: proxy.port }),
        password: null,
      }, events),
    async readings() {
      const [{ exists } = { exists: false }] = await server.query<{ exists: boolean }>(
        "SELECT to_regclass('readings') IS NOT NULL AS exists",
        { database },
      );
      return exists ? await server.query(READINGS, { database }) : [];
    },
    fault: (mode) => proxy.set(mode),
    cut: () => proxy.cut(),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

destinationContract("postgres", {
  start: startPostgres,
  traits: {
    repeats: false,
    connected: true,
    keepsExtremes: true,
    poison: unstorable,
  },
});

/** No decoder lets such a text in today; a log of an older or newer version might hold one. */
function unstorable(number: number): BatchEntry {
  const { message, normalized } = batchEntry(number);
  const [{ device, at } = { device: "", at: { us: 0, ns: 0 } }] = normalized.readings;
  const attributes = [{ device, name: "note", value: "a\u0000b", at }];
  return { message, normalized: { ...normalized, attributes } };
}
