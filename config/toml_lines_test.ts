import assert from "node:assert/strict";
import { checkConfig } from "@/config/load.ts";
import { nodeAt, originOf } from "@/config/layers.ts";

const FILE = `# a comment
[http]
listen = "127.0.0.1:0" # here
metrics="open"

[normalize.units]
soil = "percent"
"odd key" = "x"

[normalize]
late_after = "5m"

[[destination]]
name = "one"
type = "mqtt"
url = "mqtt://h"
filter = { devices = ["a"] }
  [[destination]]
  name = 'two'
  type = "mqtt"
  url = "mqtt://h"
  [destination.filter]
  devices = [
    "b",
  ]
`;

Deno.test("each value of a file knows its line", async () => {
  const result = await checkConfig({
    configFile: "sluice.toml",
    configFileRequired: true,
    settingsFile: null,
    environment: {},
    flags: [],
    readTextFile: () => Promise.resolve(FILE),
  });
  assert.ok(result.ok, JSON.stringify(result));
  const lineOf = (...path: string[]) => originOf(nodeAt(result.loaded.tree, path)).line;
  assert.equal(lineOf("http", "listen"), 3);
  assert.equal(lineOf("http", "metrics"), 4);
  assert.equal(lineOf("normalize", "units", "soil"), 7);
  assert.equal(lineOf("normalize", "units", "odd key"), 8);
  assert.equal(lineOf("normalize", "late_after"), 11);
  assert.equal(lineOf("destination", "one", "url"), 16);
  assert.equal(lineOf("destination", "one", "filter", "devices"), 17);
  assert.equal(lineOf("destination", "two", "name"), 19);
  assert.equal(lineOf("destination", "two", "filter", "devices"), 23);
  assert.equal(lineOf("storage", "keep"), undefined, "a default has none");
});
