/** What compose.yaml mounts into other programs, run with these programs from Debian. */
import assert from "node:assert/strict";
import { freePort } from "@/tests/helpers/free_port.ts";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { readYaml } from "@/tests/release/deploy_files.ts";
import { REPOSITORY } from "@/tools/product.ts";

const DEPLOY = `${REPOSITORY}deploy/`;

/** deploy/mosquitto with the container's paths moved into a folder. */
class ComposeMosquitto implements AsyncDisposable {
  readonly port = freePort();
  readonly folder: TempDir;
  #process: ServerProcess | null = null;

  private constructor(folder: TempDir) {
    this.folder = folder;
  }

  static async create(secret: string): Promise<ComposeMosquitto> {
    const broker = new ComposeMosquitto(await TempDir.create());
    await Deno.mkdir(broker.folder.join("data"));
    await run("cp", { args: ["-r", `${DEPLOY}mosquitto`, broker.folder.join("config")] });
    await Deno.writeTextFile(broker.folder.join("secret"), secret);
    await Deno.writeTextFile(
      broker.folder.join("config/mosquitto.conf"),
      (await Deno.readTextFile(`${DEPLOY}mosquitto/mosquitto.conf`))
        .replaceAll("/mosquitto/", `${broker.folder.path}/`)
        .replace("listener 1883", `listener ${broker.port} 127.0.0.1`),
    );
    // The broker drops root.
    await Deno.chmod(broker.folder.path, 0o755);
    return broker;
  }

  async start(): Promise<void> {
    const { folder } = this;
    this.#process = new ServerProcess("sh", {
      args: [folder.join("config/start.sh")],
      env: {
        MOSQUITTO_DATA: folder.join("data"),
        MOSQUITTO_SECRET: folder.join("secret"),
        MOSQUITTO_CONF: folder.join("config/mosquitto.conf"),
      },
    });
    await this.#process.untilOutput(/mosquitto version .* running/, { stream: "stderr" });
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.folder[Symbol.asyncDispose]();
  }
}

function as(user: string, password: string) {
  return { args: ["-u", user, "-P", password] };
}

Deno.test("Mosquitto: the secret opens it, nothing else does, messages survive a restart", async () => {
  await using broker = await ComposeMosquitto.create("s3cret");
  await broker.start();
  const passwords = broker.folder.join("data/passwords");
  await run("mosquitto_passwd", { args: ["-b", passwords, "oven", "hot"] });
  await broker.stop();
  await broker.start();
  assert.match(await Deno.readTextFile(passwords), /^oven:\$.*\nsluice:\$/);

  const gateway = [
    ...["-h", "127.0.0.1", "-p", String(broker.port), "-V", "5", "-i", "gateway"],
    ...["-c", "-x", "3600", "-q", "1", "-t", "devices/#", "-u", "sluice", "-P", "s3cret"],
  ];
  await run("mosquitto_sub", { args: [...gateway, "-E"] });
  const telemetry = { topic: "devices/oven/telemetry", payload: '{"t":1}' };
  await mosquittoPub(broker.port, { topic: "devices/x/t", payload: "0" }, as("oven", "hot"));
  await mosquittoPub(broker.port, telemetry, as("oven", "hot"));
  await assert.rejects(
    mosquittoPub(broker.port, telemetry, as("oven", "cold")),
    /not authori[sz]ed/i,
  );
  await assert.rejects(mosquittoPub(broker.port, telemetry), /not authori[sz]ed/i);
  await broker.stop();
  await broker.start();
  const kept = await run("mosquitto_sub", { args: [...gateway, "-C", "1", "-F", "%t %p"] });
  assert.equal(kept, 'devices/oven/telemetry {"t":1}\n');
});

Deno.test("Mosquitto: its healthcheck knows a broker that refuses from one that is away", async () => {
  await using broker = await ComposeMosquitto.create("s3cret");
  const { services } = await readYaml<{
    services: { mosquitto: { healthcheck: { test: string[] } } };
  }>("deploy/compose.yaml");
  const [kind, command = ""] = services.mosquitto.healthcheck.test;
  assert.equal(kind, "CMD-SHELL");
  const check = command.replace("mosquitto_sub", `mosquitto_sub -p ${broker.port}`)
    .replaceAll("$$", "$");
  const healthy = async () =>
    (await new Deno.Command("sh", { args: ["-c", check], stderr: "null" }).output()).success;
  assert.equal(await healthy(), false);
  await broker.start();
  assert.equal(await healthy(), true);
});

Deno.test("PostgreSQL: Grafana's user reads what the gateway writes later, and only reads", async () => {
  await using server = await PostgresServer.start();
  await using folder = await TempDir.create();
  await Deno.writeTextFile(folder.join("password"), "it's a secret");
  await run("sh", {
    args: [`${DEPLOY}postgres/grafana.sh`],
    env: {
      ...{ POSTGRES_USER: "postgres", POSTGRES_DB: "postgres", PGHOST: "127.0.0.1" },
      ...{ PGPORT: String(server.port), PGPASSWORD: server.password },
      GRAFANA_DATABASE_PASSWORD_FILE: folder.join("password"),
    },
  });
  await server.execute("CREATE TABLE readings (value int); INSERT INTO readings VALUES (7)");
  const grafana = server.url({ user: "grafana", password: "it's a secret" });
  const ask = (sql: string) => run("psql", { args: ["-X", "-At", "-c", sql, grafana] });
  assert.equal(await ask("SELECT value FROM readings"), "7\n");
  await assert.rejects(ask("DELETE FROM readings"), /permission denied/);
});
