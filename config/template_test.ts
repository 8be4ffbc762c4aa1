import assert from "node:assert/strict";
import { describeSections } from "@/config/describe.ts";
import { checkConfig } from "@/config/load.ts";
import { describeProblems } from "@/config/problems.ts";
import { configReference } from "@/config/reference.ts";
import { configTemplate } from "@/config/template.ts";
import { showConfig } from "@/config/show.ts";

/** Loads one text as the admin's file. */
async function load(text: string) {
  const result = await checkConfig({
    configFile: "sluice.toml",
    configFileRequired: true,
    settingsFile: null,
    environment: {},
    flags: [],
    readTextFile: () => Promise.resolve(text),
  });
  assert.ok(result.ok, result.ok ? "" : describeProblems(result.problems));
  return result.loaded;
}

Deno.test("the template is a valid file that changes nothing", async () => {
  const fresh = showConfig(await load(""), { origin: false });
  assert.equal(showConfig(await load(configTemplate()), { origin: false }), fresh);
});

/** The template with every key turned on; names numbered, because they are all examples. */
function uncommented(): string {
  let entries = 0;
  return configTemplate().split("\n").map((line) => {
    if (line.startsWith("#name = ")) return `name = "entry-${++entries}"`;
    if (line.startsWith("#url = ")) return line.slice(1).replace(/example/, `example${entries}`);
    return line.startsWith("#") && !line.startsWith("# ") ? line.slice(1) : line;
  }).join("\n");
}

Deno.test("every example of the template is valid when uncommented", async () => {
  const { config } = await load(uncommented());
  assert.deepEqual(config.destination.map((item) => item.type), ["postgres", "influxdb", "mqtt"]);
  assert.deepEqual(config.source.map((item) => item.type), ["serial", "mqtt"]);
});

Deno.test("template and reference name every field of the schema", () => {
  const template = configTemplate();
  const reference = configReference();
  for (const section of describeSections()) {
    for (const field of [...section.variants.values()].flat()) {
      const key = field.keys.join(".");
      assert.ok(template.includes(`\n#${key} = `), key);
      assert.ok(reference.includes(`| \`${key}\` |`), key);
      assert.ok(field.text.endsWith("."), `${key}: its text is a sentence`);
    }
  }
  assert.ok(template.split("\n").every((line) => line.length <= 100));
});

Deno.test("what config show prints, secrets aside, is a file with the same meaning", async () => {
  const file = uncommented().replaceAll("[-40, 85]", "[-inf, 85]");
  const shown = showConfig(await load(file), { origin: true });
  assert.equal(showConfig(await load(shown), { origin: true }), shown);
});
