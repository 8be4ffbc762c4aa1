/** The portable C code on this machine, under the address and undefined behaviour sanitizers. */
import { buildHost, runTool, sourcesOf } from "../../firmware/build.ts";
import { writeGoldenHeader, writePictureHeader } from "../../firmware/test/golden.ts";
import { generate } from "../../firmware/model/generate.ts";
import assert from "node:assert/strict";

const BUILD = new URL("../../firmware/build/", import.meta.url).pathname;

async function writeHeaders(): Promise<void> {
  await Deno.mkdir(BUILD, { recursive: true });
  await writeGoldenHeader(BUILD + "golden.h");
  await writePictureHeader(BUILD + "golden_pictures.h");
}

Deno.test("unit tests and golden vectors hold in C", async () => {
  await writeHeaders();
  const tests = sourcesOf("test", (name) => name.endsWith("_test.c"));
  const sources = [...sourcesOf("src"), ...tests, "test/unit.c", "test/fake_board.c"];
  const said = await runTool(await buildHost({ name: "unit", sources }), []);
  assert.match(said, /^\d+ checks$/m);
});

Deno.test("10 000 seeds of bad radio lose nothing acknowledged and repeat nothing", async () => {
  const sources = [...sourcesOf("src"), "test/radio_sim.c", "test/fake_board.c"];
  const simulator = await buildHost({ name: "radio_sim", sources });
  const steady = JSON.parse(await runTool(simulator, ["1", "10000", "0"]));
  const restarting = JSON.parse(await runTool(simulator, ["1", "3000", "1"]));
  console.log("steady", steady, "with power cuts", restarting);
  assert.equal(steady.seeds, 10000);
  // The air was bad indeed: there were retries, and packets were given up.
  assert.ok(steady.transmissions > steady.samples && steady.told < steady.samples);
  assert.ok(restarting.restarts > 1000);
});

Deno.test("no bytes from outside break a reader", async () => {
  await writeHeaders();
  const sources = [...sourcesOf("src"), "test/fuzz.c", "test/fake_board.c"];
  const fuzzer = await buildHost({ name: "fuzz", sources });
  const seed = Number(Deno.env.get("SLUICE_TEST_SEED") ?? Math.floor(Math.random() * 2 ** 30));
  console.log(`seed ${seed}`);
  assert.match(await runTool(fuzzer, [String(seed), "100000"]), /^100000 rounds from seed/);
});

Deno.test("training again gives the files that are committed", async () => {
  for (const [path, content] of generate()) {
    const committed = await Deno.readTextFile(new URL(`../../firmware/${path}`, import.meta.url));
    assert.equal(content, committed, `firmware/${path} is not what generate.ts makes`);
  }
});

Deno.test("a radio is not built without a region", async () => {
  const source = new URL("../../firmware/src/rylr998.c", import.meta.url).pathname;
  await assert.rejects(
    runTool("gcc", ["-c", source, "-o", BUILD + "regionless.o"]),
    /Choose the radio region/,
  );
});
