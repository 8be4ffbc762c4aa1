/** What an administrator downloads: the archive of `deno task package`. */
import assert from "node:assert/strict";
import { VERSION } from "@/model/build.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { Checkout } from "@/tests/release/checkout.ts";
import { hostTarget } from "@/tools/executable/target.ts";

const target = hostTarget()!;
const NAME = `sluice-${VERSION}-${target}`;
const FACTS = { SLUICE_COMMIT: "0123456789ab", SOURCE_DATE_EPOCH: "1767225600" };

/** Runs the task in a clone of its own; returns what it prints. */
async function pack(out: string): Promise<string> {
  await using checkout = await Checkout.create();
  const args = ["package", "--fast", "--target", target, "--out", out];
  const { code, out: text, err } = await checkout.task(args, { env: FACTS });
  assert.equal(code, 0, err);
  return text;
}

Deno.test("the archive holds all that is needed, with checksums, the same bytes every time", async () => {
  await using first = await TempDir.create();
  await using second = await TempDir.create();
  assert.match(await pack(first.path), new RegExp(`${NAME}\\.tar$`, "m"));
  await pack(second.path);
  const sums = await Deno.readTextFile(first.join("SHA256SUMS"));
  assert.match(sums, new RegExp(`^[0-9a-f]{64}  ${NAME}\\.tar\n$`));
  assert.equal(await Deno.readTextFile(second.join("SHA256SUMS")), sums);
  await run("sha256sum", { args: ["--check", "--strict", "SHA256SUMS"], cwd: first.path });

  const listing = await run("tar", { args: ["-tvf", first.join(`${NAME}.tar`)] });
  const entries = listing.trim().split("\n").map((line) => line.split(/\s+/));
  for (const [mode = "", owner, , , , path = ""] of entries) {
    const runs = path.endsWith("/") || /\/(sluice|install\.sh)$/.test(path);
    assert.deepEqual([owner, mode.slice(1)], ["0/0", runs ? "rwxr-xr-x" : "rw-r--r--"], path);
  }

  await run("tar", { args: ["-xf", first.join(`${NAME}.tar`), "-C", second.path] });
  const folder = second.join(NAME);
  await run("sha256sum", { args: ["--check", "--strict", "SHA256SUMS"], cwd: folder });
  const summed = (await Deno.readTextFile(`${folder}/SHA256SUMS`)).trim().split("\n")
    .map((line) => line.slice(66));
  const files = (await run("find", { args: [".", "-type", "f"], cwd: folder })).trim().split("\n")
    .map((path) => path.slice(2)).filter((path) => path !== "SHA256SUMS");
  assert.deepEqual(summed.sort(), files.sort());
  const expected = [
    ...["sluice", "install.sh", "sluice.service", "sluice-feed@.service", "sluice.toml"],
    ...["sluice.env", "TARGET", "doc/licences.txt", "doc/start.md", "doc/operating/install.md"],
    ...["doc/reference/config.md"],
  ];
  for (const name of expected) assert.ok(files.includes(name), name);
});

Deno.test("the licences are of everything that is inside", async () => {
  await using folder = await TempDir.create();
  await using checkout = await Checkout.create();
  const args = ["compile", "--target", target, "--out", folder.path];
  const { code, err } = await checkout.task(args, { env: FACTS });
  assert.equal(code, 0, err);
  const licences = await Deno.readTextFile(folder.join("licences.txt"));
  const titles = new Set(licences.split(/^={96}$/m).map((part) => part.trim().split("\n")[0]!));
  for (const title of ["Sluice", "Deno", "V8"]) {
    assert.ok([...titles].some((found) => found.startsWith(title)), title);
  }
  // The bundle names many of its modules; each is of a package.
  const bundle = await Deno.readTextFile(folder.join("sluice.js"));
  const packages = new Set(
    [...bundle.matchAll(/node_modules\/\.deno\/([^/]+)@(\d[^/_]*)[^/]*\//g)]
      .map(([, name, version]) => `${name!.replace("+", "/")} ${version}`),
  );
  assert.ok(packages.size > 20, String(packages.size));
  assert.deepEqual([...packages].filter((name) => !titles.has(name)), []);
  for (const part of licences.split(/^={96}$/m)) {
    assert.ok(part.trim().split("\n").length > 1, `no text: ${part}`);
  }
});
