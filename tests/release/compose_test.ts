/** The compose files, held against the image, the configuration and the files they name. */
import assert from "node:assert/strict";
import { environmentTree } from "@/config/environment.ts";
import { checkConfig } from "@/config/load.ts";
import { configSchema } from "@/config/schema.ts";
import { VERSION } from "@/model/build.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { type ComposeFile, readDockerfile, readYaml } from "@/tests/release/deploy_files.ts";
import { REPOSITORY } from "@/tools/product.ts";

const compose = await readYaml<ComposeFile>("deploy/compose.yaml");
const proxy = await readYaml<ComposeFile>("deploy/compose.proxy.yaml");
const services = Object.entries(compose.services);

/** Runs the script on a copy and returns the folder of secrets. */
async function makeSecrets(folder: TempDir): Promise<string> {
  await Deno.copyFile(`${REPOSITORY}deploy/make_secrets.sh`, folder.join("make_secrets.sh"));
  await run("sh", { args: [folder.join("make_secrets.sh")] });
  return folder.join("secrets");
}

Deno.test("the secrets are made, long, different, and kept on a second run", async () => {
  await using folder = await TempDir.create();
  const secrets = await makeSecrets(folder);
  const read = () =>
    Promise.all(
      Object.values(compose.secrets).map(({ file }) =>
        Deno.readTextFile(file.replace("./secrets", secrets))
      ),
    );
  const first = await read();
  for (const secret of first) assert.match(secret, /^[0-9a-f]{48}$/);
  assert.equal(new Set(first).size, first.length);
  assert.equal((await Deno.stat(secrets)).mode! & 0o777, 0o700);
  await makeSecrets(folder);
  assert.deepEqual(await read(), first);
});

Deno.test("no password, token or secret stands in the files", () => {
  for (const [name, { environment = {} }] of services) {
    for (const [key, value] of Object.entries(environment)) {
      if (!/PASSWORD|TOKEN|SECRET/.test(key)) continue;
      assert.match(key, /_FILE$/, `${name}: ${key}`);
      assert.match(value, /^\/run\/secrets\//, `${name}: ${key}`);
    }
  }
});

Deno.test("a dollar sign is written twice, because compose replaces variables", async () => {
  for (const file of ["compose.yaml", "compose.proxy.yaml"]) {
    const text = await Deno.readTextFile(`${REPOSITORY}deploy/${file}`);
    assert.doesNotMatch(text.replaceAll("$$", ""), /\$/);
  }
});

Deno.test("every secret that a service reads is given to it, and no other", () => {
  for (const [name, service] of services) {
    const given = (service.secrets ?? []).toSorted();
    for (const secret of given) assert.ok(secret in compose.secrets, `${name}: ${secret}`);
    const named = Object.values(service.environment ?? {})
      .flatMap((value) => /^\/run\/secrets\/(\w+)$/.exec(value)?.[1] ?? []);
    const byFiles: Record<string, string[]> = {
      // Named in the files that are mounted.
      grafana: ["grafana_database_password", "influxdb_token"],
      mosquitto: ["mosquitto_password"],
      postgres: ["grafana_database_password"],
      prometheus: ["metrics_token"],
    };
    assert.deepEqual([...named, ...byFiles[name] ?? []].sort(), given, name);
  }
});

Deno.test("the gateway's variables are a configuration without a problem", async () => {
  await using folder = await TempDir.create();
  const secrets = await makeSecrets(folder);
  const environment = compose.services.gateway!.environment!;
  const result = await checkConfig({
    configFile: null,
    configFileRequired: false,
    settingsFile: null,
    environment,
    flags: [],
    readTextFile: (path) => Deno.readTextFile(path.replace("/run/secrets", secrets)),
  });
  assert.ok(result.ok, JSON.stringify(result));
  const { config } = result.loaded;
  assert.deepEqual(config.destination.map(({ type }) => type).sort(), ["influxdb", "postgres"]);
  assert.equal(config.http.metrics_token?.length, 48);
  for (const entry of [...config.destination, ...config.source]) {
    if (!("url" in entry)) continue;
    const host = new URL(entry.url.replace(/^\w+:/, "http:")).hostname;
    assert.ok(host in compose.services, `${entry.name} is at "${host}", which is no service`);
  }
  const unknown = await environmentTree({ SLUICE_HTTP__METRIC: "token" }, {
    entryNames: { destination: [], source: [] },
    readTextFile: Deno.readTextFile,
  });
  assert.equal(unknown.problems.length, 1, "a wrong name would have been seen");
});

Deno.test("published ports are those that the gateway listens on", async () => {
  const config = configSchema.parse({});
  const own = [config.http.listen.port, config.mqtt.listen!.port];
  const published = compose.services.gateway!.ports!.map((port) => Number(port.split(":")[1]));
  assert.deepEqual(published, own);
  const encrypted = [config.tls.https_listen!.port, config.tls.mqtts_listen!.port];
  const exposed = (await readDockerfile()).find(({ name }) => name === "EXPOSE")!.text.split(" ");
  assert.deepEqual(exposed.map(Number).sort(), [...own, ...encrypted].sort());
  const outside = services.flatMap(([, { ports = [] }]) => ports.map((port) => port.split(":")[0]));
  assert.equal(new Set(outside).size, outside.length, "two services want one port");
});

Deno.test("the gateway's data is in the volume of the image, and the rest is read-only", async () => {
  const gateway = compose.services.gateway!;
  const volume = (await readDockerfile()).find(({ name }) => name === "VOLUME")!.text;
  assert.deepEqual(gateway.volumes, [`gateway:${volume}`]);
  assert.equal(gateway.image, `sluice:${VERSION}`);
  assert.equal(gateway.read_only, true);
  assert.deepEqual(gateway.cap_drop, ["ALL"]);
  assert.deepEqual(gateway.security_opt, ["no-new-privileges:true"]);
});

Deno.test("every service is pinned, restarted, checked, on the one network", async () => {
  const dockerfile = await readDockerfile();
  const all = [...services, ["proxy", proxy.services.proxy!] as const];
  for (const [name, service] of all) {
    assert.match(service.image, /:v?\d+\.\d+/, name);
    assert.equal(service.restart, "unless-stopped", name);
    assert.deepEqual(service.networks, ["sluice"], name);
    const checked = name === "gateway"
      ? dockerfile.some((instruction) => instruction.name === "HEALTHCHECK")
      : service.healthcheck !== undefined;
    assert.ok(checked, `${name} has no healthcheck`);
  }
  assert.deepEqual(Object.keys(compose.networks), ["sluice"]);
});

Deno.test("mounted files exist, named volumes are declared", async () => {
  for (const [name, { volumes = [] }] of services) {
    for (const volume of volumes) {
      const [source = ""] = volume.split(":");
      if (!source.startsWith("./")) assert.ok(source in compose.volumes, `${name}: ${volume}`);
      else await Deno.stat(`${REPOSITORY}deploy/${source}`);
    }
  }
});

Deno.test("behind the proxy the gateway's pages are not published past it", () => {
  assert.deepEqual(proxy.services.gateway!.ports, ["1883:1883"]);
});
