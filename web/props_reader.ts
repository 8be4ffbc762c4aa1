/**
 * Reads an island's props in the browser. They are written by devalue, whose own reader knows every
 * type there is: 1.4 kB gzip of each page. This one reads what nearly all props are made of: JSON,
 * undefined, NaN, infinities, −0, dates, maps, sets, big ints, and what `revivers` name. Where
 * something else occurs (binary data, addresses, sparse arrays, …) devalue's reader is fetched.
 */

export type Revivers = Readonly<Record<string, (value: unknown) => unknown>>;

const COMMON = new Set(["Date", "Map", "Set", "BigInt"]);

/** Places that stand for a value without one in the list. */
const CONSTANTS: Readonly<Record<number, unknown>> = {
  [-1]: undefined,
  [-3]: NaN,
  [-4]: Infinity,
  [-5]: -Infinity,
  [-6]: -0,
};
const HOLE = -2;
const SPARSE = -7;

/** `text` is what devalue's `stringify` gives for an object. */
export async function readProps<T>(text: string, revivers: Revivers): Promise<T> {
  const values: unknown[] = JSON.parse(text);
  if (values.every((value) => isCommon(value, revivers))) {
    return new Reader(values, revivers).read(0) as T;
  }
  const { parse } = await import("devalue");
  return parse(text, revivers);
}

function isCommon(value: unknown, revivers: Revivers): boolean {
  if (!Array.isArray(value)) return true;
  const [first, second] = value;
  if (typeof first !== "string") return first !== SPARSE && !value.includes(HOLE);
  return COMMON.has(first) || (Object.hasOwn(revivers, first) && typeof second === "number");
}

/** Each value is in a list of its own place, so that one that occurs twice stays one. */
class Reader {
  readonly #values: readonly unknown[];
  readonly #revivers: Revivers;
  readonly #done = new Map<number, unknown>();

  constructor(values: readonly unknown[], revivers: Revivers) {
    this.#values = values;
    this.#revivers = revivers;
  }

  read(place: number): unknown {
    if (place < 0) return CONSTANTS[place];
    if (this.#done.has(place)) return this.#done.get(place);
    const value = this.#values[place];
    if (typeof value !== "object" || value === null) return value;
    return Array.isArray(value) ? this.#readList(place, value) : this.#readObject(place, value);
  }

  /** Kept before what is inside is read: it may lead back here. */
  #keep<V>(place: number, value: V): V {
    this.#done.set(place, value);
    return value;
  }

  #readObject(place: number, value: object): object {
    const object = this.#keep(place, {});
    for (const [name, at] of Object.entries(value)) {
      const property = { value: this.read(at), enumerable: true, writable: true };
      Object.defineProperty(object, name, { ...property, configurable: true });
    }
    return object;
  }

  #readList(place: number, value: unknown[]): unknown {
    if (typeof value[0] !== "string") {
      const list: unknown[] = this.#keep(place, []);
      for (const at of value) list.push(this.read(at as number));
      return list;
    }
    const [type, ...parts] = value as [string, ...number[]];
    const reviver = this.#revivers[type];
    if (reviver !== undefined) return this.#keep(place, reviver(this.read(parts[0]!)));
    if (type === "Date") return this.#keep(place, new Date(parts[0]!));
    if (type === "BigInt") return this.#keep(place, BigInt(parts[0]!));
    return type === "Set" ? this.#readSet(place, parts) : this.#readMap(place, parts);
  }

  #readSet(place: number, parts: number[]): Set<unknown> {
    const set = this.#keep(place, new Set());
    for (const at of parts) set.add(this.read(at));
    return set;
  }

  #readMap(place: number, parts: number[]): Map<unknown, unknown> {
    const map = this.#keep(place, new Map());
    for (let i = 0; i < parts.length; i += 2) {
      map.set(this.read(parts[i]!), this.read(parts[i + 1]!));
    }
    return map;
  }
}
