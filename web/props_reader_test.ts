import { deepStrictEqual, equal } from "node:assert/strict";
import { parse, stringify } from "devalue";
import fc from "fast-check";
import { readProps } from "./props_reader.ts";

class Box {
  readonly inner: unknown;
  constructor(inner: unknown) {
    this.inner = inner;
  }
}

const REVIVERS = { Box: (inner: unknown) => new Box(inner) };
const written = (value: object) =>
  stringify(value, { Box: (each: unknown) => each instanceof Box && each.inner });

/** What the server refuses to send (a property `__proto__`, a symbol) never comes here. */
function isSent(value: object): boolean {
  try {
    return written(value) !== "";
  } catch {
    return false;
  }
}

const ANYTHING = fc.anything({
  ...{ withBigInt: true, withDate: true, withMap: true, withSet: true },
  ...{ withSparseArray: true, withTypedArray: true, withNullPrototype: true },
});

Deno.test("props are read as devalue reads them, whatever they are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), ANYTHING), async (props) => {
      fc.pre(isSent(props));
      const text = written({ props, box: new Box([props, new Box(1)]) });
      deepStrictEqual(await readProps(text, REVIVERS), parse(text, REVIVERS));
    }),
    { numRuns: 500 },
  );
});

Deno.test("what occurs twice stays one, also where it leads back to itself", async () => {
  const shared = { at: new Date(7) };
  const ring: Record<string, unknown> = { shared, again: [shared], map: new Map() };
  ring.self = ring;
  (ring.map as Map<unknown, unknown>).set(shared, ring);
  const read = await readProps<typeof ring>(written(ring), REVIVERS);
  equal(read.self, read);
  equal((read.again as unknown[])[0], read.shared);
  equal((read.map as Map<unknown, unknown>).get(read.shared), read);
});

Deno.test("a name like __proto__ is a property and changes nothing else", async () => {
  const text = '[{"__proto__":1},{"polluted":2},true]';
  const read = await readProps<object>(text, {});
  equal(Object.getPrototypeOf(read), Object.prototype);
  equal("polluted" in read, false);
});
