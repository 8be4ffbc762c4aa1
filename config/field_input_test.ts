import assert from "node:assert/strict";
import fc from "fast-check";
import { describeSections, type FieldDescription } from "@/config/describe.ts";
import { inputChoices, inputShape, inputText, inputValue } from "@/config/field_input.ts";

function fieldAt(section: string, key: string, type = ""): FieldDescription {
  const found = describeSections().find(({ name }) => name === section)?.variants.get(type)
    ?.find(({ keys }) => keys.join(".") === key);
  assert.ok(found, `${section}.${key}`);
  return found;
}

function valueIn(field: FieldDescription, text: string): unknown {
  const parsed = inputValue(field, text);
  assert.ok("value" in parsed, JSON.stringify(parsed));
  return parsed.value;
}

Deno.test("every default comes back from the text that shows it", () => {
  for (const { name, variants } of describeSections()) {
    for (const field of [...variants.values()].flat()) {
      const shown = inputText(field, field.default);
      const empty = field.default === "" || shown === "" || field.required;
      const where = `${name}.${field.keys.join(".")}`;
      const expected = empty ? undefined : field.default;
      assert.equal(JSON.stringify(valueIn(field, shown)), JSON.stringify(expected), where);
    }
  }
});

Deno.test("a form's texts become what a file would hold", () => {
  const cases: [FieldDescription, string, unknown][] = [
    [fieldAt("http", "connections_max"), " 12 ", 12],
    [fieldAt("http", "connections_max"), "many", "many"],
    [fieldAt("fanout", "enabled"), "false", false],
    [fieldAt("fanout", "enabled"), "maybe", "maybe"],
    [fieldAt("source", "qos", "mqtt"), "2", 2],
    [fieldAt("source", "topics", "mqtt"), "a/#\r\n\r\n b,c/+ ", ["a/#", "b,c/+"]],
    [fieldAt("normalize", "units"), 'soil = "percent"', { soil: "percent" }],
    [fieldAt("storage", "keep"), "", undefined],
    [fieldAt("destination", "password", "postgres"), " spaces stay ", " spaces stay "],
  ];
  for (const [field, text, expected] of cases) {
    assert.equal(JSON.stringify(valueIn(field, text)), JSON.stringify(expected), text);
  }
});

Deno.test("a table that is not TOML is refused with its place", () => {
  const refused = inputValue(fieldAt("normalize", "units"), "soil = percent");
  assert.ok("message" in refused);
  assert.match(refused.message, /is not TOML at line 1/);
});

Deno.test("choices and shapes follow the schema", () => {
  assert.deepEqual(inputChoices(fieldAt("storage", "when_full")), ["refuse", "drop_oldest"]);
  assert.deepEqual(inputChoices(fieldAt("source", "qos", "mqtt")), ["0", "1", "2"]);
  const shapes: [FieldDescription, string][] = [
    [fieldAt("storage", "keep"), "text"],
    [fieldAt("mqtt", "listen"), "text"],
    [fieldAt("destination", "max_age", "postgres"), "text"],
    [fieldAt("storage", "linger_ms"), "number"],
    [fieldAt("normalize", "plausible"), "table"],
    [fieldAt("destination", "filter.devices", "mqtt"), "lines"],
    [fieldAt("http", "metrics"), "choice"],
  ];
  for (const [field, shape] of shapes) assert.equal(inputShape(field), shape, field.text);
});

Deno.test("a secret is never text, a password in a URL never whole", () => {
  assert.equal(inputText(fieldAt("http", "metrics_token"), "top-secret"), "");
  const url = inputText(fieldAt("destination", "url", "postgres"), "postgres://a:secret@h/db");
  assert.equal(url, "postgres://a:***@h/db");
});

Deno.test("tables of any keys and texts survive the form", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]! | 0;
  const field = fieldAt("normalize", "units");
  const text = fc.string({ unit: "binary", maxLength: 12 })
    .filter((each) => each.isWellFormed() && !each.includes("\r\n"));
  const keys = fc.string({ minLength: 1, maxLength: 12 }).filter((key) => key !== "__proto__");
  fc.assert(
    fc.property(fc.dictionary(keys, text, { minKeys: 1, noNullPrototype: true }), (table) => {
      assert.deepEqual({ ...valueIn(field, inputText(field, table)) as object }, table);
    }),
    { seed },
  );
});
