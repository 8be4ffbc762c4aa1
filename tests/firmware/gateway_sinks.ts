/** The gateway as it is run, with PostgreSQL behind it, as the end of both devices' ways. */
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import type { PredictionSink, StoredPrediction } from "./prediction_sink.ts";
import type { SerialSink } from "./serial_sink.ts";

function destination(postgres: PostgresServer, database: string): string {
  const url = postgres.url({ database });
  return `[[destination]]\nname = "postgres"\ntype = "postgres"\nurl = "${url}"\ntls = "off"\n`;
}

/** How many rows a table has; none while the gateway has not made it. */
async function countRows(
  database: { postgres: PostgresServer; name: string },
  from: string,
): Promise<number> {
  const rows = await database.postgres.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ${from}`,
    { database: database.name },
  );
  return rows[0]!.count;
}

/** pty → serial source → log → PostgreSQL. */
export async function openGatewayPort(
  postgres: PostgresServer,
  path: string,
): Promise<SerialSink> {
  const database = await postgres.createDatabase();
  const source = `[[source]]\nname = "boards"\ntype = "serial"\npath = "${path}"\n` +
    `baud = 115200\nreceiver = "N2"\n`;
  const gateway = await GatewayProcess.start({ config: destination(postgres, database) + source });
  return new GatewayPort({ postgres, name: database }, gateway);
}

class GatewayPort implements SerialSink {
  constructor(
    private readonly database: { postgres: PostgresServer; name: string },
    private readonly gateway: GatewayProcess,
  ) {}

  /** Message ids grow with the log, so their order is that of acceptance. */
  async stored(measurement: string): Promise<number[]> {
    const made = await countRows(this.database, "pg_tables WHERE tablename = 'readings'");
    if (made === 0) return [];
    const rows = await this.database.postgres.query<{ value: number }>(
      `SELECT value FROM readings WHERE device = 'node1' AND measurement = '${measurement}'
       ORDER BY message_id`,
      { database: this.database.name },
    );
    return rows.map(({ value }) => value);
  }

  async until(humidity: number): Promise<void> {
    const stored = async () => (await this.stored("humidity")).at(-1) === humidity;
    const what = `the packet with ${humidity} % is stored`;
    await until(stored, { what, timeoutMs: 60_000, everyMs: 100 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
  }
}

/**
 * MQTT listener → log → PostgreSQL; `kill` is SIGKILL. The node comes from the loopback while no device
 * has a credential, so it needs none.
 */
export async function openGatewayBroker(postgres: PostgresServer): Promise<PredictionSink> {
  const database = await postgres.createDatabase();
  const folder = await TempDir.create("sluice-gateway-");
  const config = destination(postgres, database);
  const gateway = await GatewayProcess.start({ config, folder });
  return new GatewayBroker({ postgres, name: database }, { gateway, config, folder });
}

interface BrokerParts {
  gateway: GatewayProcess;
  config: string;
  folder: TempDir;
}

class GatewayBroker implements PredictionSink {
  readonly address: { hostname: string; port: number };

  constructor(
    private readonly database: { postgres: PostgresServer; name: string },
    private readonly parts: BrokerParts,
  ) {
    this.address = { hostname: "127.0.0.1", port: parts.gateway.mqttPort };
  }

  async stored(): Promise<StoredPrediction[]> {
    return await this.database.postgres.query<StoredPrediction>(
      `SELECT seq, (extract(epoch FROM at) * 1000)::bigint AS ts, label, score, avg_score AS avg,
              "window", model, debug
       FROM predictions WHERE device = 'node3' ORDER BY message_id`,
      { database: this.database.name },
    );
  }

  async until(count: number): Promise<void> {
    const stored = async () => (await countRows(this.database, "predictions")) >= count;
    await until(stored, { what: `${count} results are stored`, timeoutMs: 90_000, everyMs: 100 });
  }

  async kill(): Promise<void> {
    await this.parts.gateway.kill();
  }

  async restart(): Promise<void> {
    const { config, folder } = this.parts;
    const mqttPort = this.address.port;
    this.parts.gateway = await GatewayProcess.start({ config, folder, mqttPort });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.gateway[Symbol.asyncDispose]();
    await this.parts.folder[Symbol.asyncDispose]();
  }
}
