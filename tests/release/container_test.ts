/** The container image: its Dockerfile against the code, and the script that checks its health. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { freePort } from "@/tests/helpers/free_port.ts";
import { type Instruction, jsonForm, readDockerfile } from "@/tests/release/deploy_files.ts";
import { ImageReplay } from "@/tests/release/image_replay.ts";
import { hostTarget } from "@/tools/executable/target.ts";
import { REPOSITORY } from "@/tools/product.ts";

const dockerfile = await readDockerfile();
const LAST = Math.max(...dockerfile.map(({ stage }) => stage));

function only(name: string, stage = LAST): string {
  const found = dockerfile.filter((item) => item.name === name && item.stage === stage);
  assert.equal(found.length, 1, `${name} in stage ${stage}`);
  return found[0]!.text;
}

function copies(stage: number): { from: string | null; sources: string[]; to: string }[] {
  return dockerfile.filter((item) => item.name === "COPY" && item.stage === stage)
    .map(({ text }: Instruction) => {
      const words = text.split(/\s+/);
      const from = words[0]!.startsWith("--from=") ? words.shift()!.slice("--from=".length) : null;
      return { from, sources: words.slice(0, -1), to: words.at(-1)! };
    });
}

Deno.test("the build stage has the Deno that goes into the executable", async () => {
  const { imports } = JSON.parse(
    await Deno.readTextFile(`${REPOSITORY}tools/executable/runtime/deno.json`),
  );
  const versions = Object.values<string>(imports).map((specifier) => specifier.split("@").at(-1));
  assert.deepEqual([...new Set(versions)], [Deno.version.deno]);
  assert.match(only("FROM", 0), new RegExp(`denoland/deno:debian-${Deno.version.deno} AS build$`));
});

Deno.test("dependencies come before the program, so that they stay cached", () => {
  const order = dockerfile.filter(({ stage }) => stage === 0).map(({ name, text }) =>
    `${name} ${text}`
  );
  const install = order.findIndex((line) => line.includes("deno install --frozen"));
  const program = order.findIndex((line) => line === "COPY . .");
  assert.ok(install > 0 && install < program);
});

Deno.test("what is copied from the sources exists and is not ignored", async () => {
  const ignored = (await Deno.readTextFile(`${REPOSITORY}.dockerignore`)).split("\n");
  for (const stage of [0, LAST]) {
    for (const { from, sources } of copies(stage)) {
      if (from !== null) continue;
      for (const source of sources.filter((name) => name !== ".")) {
        await Deno.stat(`${REPOSITORY}${source}`);
        assert.ok(!ignored.some((line) => line !== "" && source.startsWith(line)), source);
      }
    }
  }
});

Deno.test("user, folder, volume and entry fit together", () => {
  const make = dockerfile.find(({ stage, name }) => stage === LAST && name === "RUN")!.text;
  const uid = /--uid (\d+)/.exec(make)![1];
  const home = /--home-dir (\S+)/.exec(make)![1];
  assert.equal(only("USER"), uid);
  assert.equal(only("WORKDIR"), home);
  assert.equal(only("VOLUME"), home);
  assert.match(make, new RegExp(`install -d -o sluice -g sluice -m 0700 ${home}`));
  const placed = copies(LAST).map(({ to }) => to);
  assert.ok(placed.includes(jsonForm(only("ENTRYPOINT"))[0]!));
  assert.ok(placed.includes(`/usr/local/bin/${jsonForm(only("HEALTHCHECK"))[0]}`));
  assert.deepEqual(jsonForm(only("CMD")), ["serve"]);
});

/** What the engine does with the image: its user, its folder, its command; then its healthcheck. */
const LIFE = `
  ip link set lo up
  as="setpriv --reuid=$1 --regid=$(id -g "$1") --init-groups"
  cd "$2" && $as "$3" serve >out 2>err & gateway=$!
  cd "$2"; until grep -q ^listening out 2>/dev/null; do kill -0 $gateway || { cat err; exit 4; }; done
  cat out
  $as "$4" && echo healthy
  kill $gateway; wait $gateway && echo stopped
  $as "$4" 2>/dev/null || echo unhealthy
  stat -c '%U %a' data; $as id -Gn`;

Deno.test("the image's steps, done in a clean place, give an image that runs", async () => {
  const facts = { SLUICE_COMMIT: "0123456789ab", SOURCE_DATE_EPOCH: "1767225600" };
  await using image = await ImageReplay.create({ ...facts, TARGETARCH: targetArch() });
  const { system } = image;
  const [entry, check] = [jsonForm(only("ENTRYPOINT"))[0]!, jsonForm(only("HEALTHCHECK"))[0]!];
  const version = await system.run([entry, "version"]);
  assert.match(version.text, /^sluice \S+ \(0123456789ab, 2026-01-01T/);
  assert.match(await system.read("/usr/local/share/doc/sluice/licences.txt"), /^Sluice\n/);

  const user = /sluice:x:(\d+):/.exec(await system.read("/etc/passwd"))![1]!;
  assert.equal(user, only("USER"));
  // Its log is beside its data here; the volume is its own.
  const args = ["sh", "-c", LIFE, "sh", user, only("WORKDIR"), entry, `/usr/local/bin/${check}`];
  const { text } = await system.run(args, { ownNetwork: true });
  assert.deepEqual(text.trim().split("\n"), [
    "listening http=0.0.0.0:8000 mqtt=0.0.0.0:1883",
    ...["healthy", "stopped", "unhealthy", "sluice 700", "sluice dialout"],
  ]);
});

function targetArch(): string {
  return hostTarget() === "linux-arm64" ? "arm64" : "amd64";
}

async function health(
  { port, listen }: { port?: number; listen?: string },
): Promise<boolean> {
  const { success } = await new Deno.Command("bash", {
    args: [
      `${REPOSITORY}deploy/container/healthcheck.sh`,
      ...port === undefined ? [] : [String(port)],
    ],
    env: listen === undefined ? {} : { SLUICE_HTTP__LISTEN: listen },
    stderr: "null",
  }).output();
  return success;
}

Deno.test("healthy is what answers 200 on /healthz", async () => {
  let status = 200;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(status).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  assert.equal(await health({ port }), true);
  assert.equal(await health({ listen: `0.0.0.0:${port}` }), true);
  assert.equal(await health({ listen: `[::]:${port}` }), true);
  status = 503;
  assert.equal(await health({ port }), false);
  assert.deepEqual([...new Set(asked)], ["/healthz"]);
  server.close();
  await once(server, "close");
  assert.equal(await health({ port: freePort() }), false);
});
