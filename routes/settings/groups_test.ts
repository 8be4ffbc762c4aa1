import assert from "node:assert/strict";
import { texts } from "@/components/texts.ts";
import { viewSections } from "@/config/settings_view.ts";
import { groupOf, settingsGroups } from "@/routes/settings/groups.ts";
import { entryFields, entryTypes } from "@/config/settings_view.ts";

const sections = viewSections({ config: {} as never, tree: new Map() });

Deno.test("every key of the configuration stands on one page, under a name", () => {
  const wanted = sections.flatMap(({ fields }) => fields.map(({ path }) => path)).sort();
  const groups = settingsGroups(sections);
  const placed = groups.flatMap(({ parts }) => parts.flatMap(({ fields }) => fields))
    .map(({ path }) => path);
  assert.deepEqual(placed.sort(), wanted);
  for (const path of wanted) {
    assert.ok(texts.settings.labels[path], `${path} has no label`);
    assert.notEqual(groupOf(groups, path), null);
  }
  assert.equal(groupOf(groups, "destination.url"), null);
});

Deno.test("every key of a destination or source has a name", () => {
  for (const section of ["destination", "source"] as const) {
    for (const type of entryTypes(section)) {
      assert.ok(texts.settings.types[type], type);
      for (const { keys } of entryFields(section, type)) {
        assert.ok(texts.settings.entryLabels[keys.join(".")], `${type} ${keys.join(".")}`);
      }
    }
  }
});
