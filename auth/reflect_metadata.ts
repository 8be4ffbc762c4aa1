/**
 * The three functions of the reflection proposal that the certificate library's container asks for
 * when it is loaded. Import this file before that library; it does nothing where they exist.
 */
type Table = Map<unknown, unknown>;

interface ReflectMetadata {
  defineMetadata?(key: unknown, value: unknown, target: object): void;
  getOwnMetadata?(key: unknown, target: object): unknown;
  getMetadata?(key: unknown, target: object): unknown;
}

const tables = new WeakMap<object, Table>();
const reflect: typeof Reflect & ReflectMetadata = Reflect;

reflect.defineMetadata ??= defineMetadata;
reflect.getOwnMetadata ??= getOwnMetadata;
reflect.getMetadata ??= getMetadata;

/** Three positions, as the proposal has it. */
function defineMetadata(key: unknown, value: unknown, target: object): void {
  const table: Table = tables.get(target) ?? new Map();
  tables.set(target, table.set(key, value));
}

function getOwnMetadata(key: unknown, target: object): unknown {
  return tables.get(target)?.get(key);
}

/** Own, or the next one up the chain of prototypes. */
function getMetadata(key: unknown, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at)) {
    const table = tables.get(at);
    if (table?.has(key)) return table.get(key);
  }
  return undefined;
}
