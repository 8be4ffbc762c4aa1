/** `deno task bench [NAME…]`: speed and memory beside a peer in the same run, printed as ratios. */
import { benchDrain, benchIngest, benchStart } from "@/bench/ingest_bench.ts";
import { benchMqtt } from "@/bench/mqtt_bench.ts";
import { compileLoadGenerator } from "@/bench/load/load_generator.ts";
import { benchPages } from "@/bench/page_bench.ts";
import { benchRelease } from "@/bench/release_bench.ts";
import { printRows } from "@/bench/report.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";

await using folder = await TempDir.create("sluice-bench-");
const generate = await compileLoadGenerator(folder.path);

const benches = {
  ingest: () => benchIngest(generate, folder.path),
  drain: () => benchDrain(generate),
  start: () => benchStart(generate),
  mqtt: () => benchMqtt({ folder: folder.path }),
  page: () => benchPages(),
  release: benchRelease,
};

const wanted = Deno.args.length > 0 ? Deno.args : Object.keys(benches);
for (const name of wanted) {
  const bench = benches[name as keyof typeof benches];
  if (bench === undefined) {
    console.error(`Unknown bench "${name}", there are: ${Object.keys(benches).join(", ")}`);
    Deno.exit(2);
  }
  console.log(`\n${name}`);
  printRows(await bench());
}
