/**
 * Subscriptions by topic filter: a trie over levels, so that a publish visits only the branches its
 * topic can reach, whatever the number of subscriptions.
 *
 * Layout: a node per level; literal children in a map, `+` and the subscriptions that end in `#`
 * beside it. At a node, subscriptions are kept by subscriber key, shared ones by share name.
 * Empty nodes are removed, so that memory follows the subscriptions that exist.
 */

/** Subscribers of one `$share/name/filter`; a publish goes to exactly one of them. */
export class ShareGroup<T> {
  readonly shareName: string;
  readonly filter: string;
  readonly members: Map<string, T> = new Map();
  /** Where the next distribution begins; counts up for ever. */
  turn = 0;

  constructor(shareName: string, filter: string) {
    this.shareName = shareName;
    this.filter = filter;
  }
}

interface Subscribers<T> {
  own: Map<string, T> | null;
  shared: Map<string, ShareGroup<T>> | null;
}

interface Node<T> {
  parent: Node<T> | null;
  /** The level that leads here, to remove the node from its parent. */
  level: string;
  children: Map<string, Node<T>> | null;
  plus: Node<T> | null;
  here: Subscribers<T> | null;
  /** Subscriptions that go on with `#`. */
  below: Subscribers<T> | null;
}

/** Where and for whom a subscription stands. */
export interface SubscriptionPlace {
  /** valid, without share prefix */
  filter: string;
  shareName: string | null;
  /** Identity of the subscriber; one subscription per key, filter and share name. */
  key: string;
}

/** What a topic matches, in no particular order. */
export interface Matches<T> {
  own: T[];
  shared: ShareGroup<T>[];
}

export class SubscriptionTree<T> {
  readonly #root: Node<T> = newNode<T>(null, "");
  #size = 0;

  /** Number of subscriptions. */
  get size(): number {
    return this.#size;
  }

  /** Adds or replaces; returns what was replaced. */
  set(place: SubscriptionPlace, value: T): T | undefined {
    const { node, below } = this.#reach(place.filter);
    const slot = below ? "below" : "here";
    const subscribers = node[slot] ??= { own: null, shared: null };
    const members = place.shareName === null
      ? subscribers.own ??= new Map()
      : groupOf(subscribers, place.shareName, place.filter).members;
    const before = members.get(place.key);
    members.set(place.key, value);
    if (before === undefined) this.#size++;
    return before;
  }

  /** Removes; returns what was there. */
  delete(place: SubscriptionPlace): T | undefined {
    const found = this.#find(place.filter);
    if (found === null) return undefined;
    const slot = found.below ? "below" : "here";
    const subscribers = found.node[slot];
    if (subscribers === null) return undefined;
    const before = removeMember(subscribers, place);
    if (before === undefined) return undefined;
    this.#size--;
    if (subscribers.own === null && subscribers.shared === null) found.node[slot] = null;
    prune(found.node);
    return before;
  }

  /** The share group of a filter, if anyone is in it. */
  group(shareName: string, filter: string): ShareGroup<T> | undefined {
    const found = this.#find(filter);
    const subscribers = found === null ? null : found.node[found.below ? "below" : "here"];
    return subscribers?.shared?.get(shareName);
  }

  /** Everything that matches a valid topic name. */
  match(topic: string): Matches<T> {
    const matches: Matches<T> = { own: [], shared: [] };
    const levels = topic.split("/");
    const isSystem = topic.charCodeAt(0) === 0x24;
    const root = this.#root;
    if (isSystem) {
      // A leading wildcard does not match a name that starts with $ [MQTT-4.7.2-1].
      const child = root.children?.get(levels[0]!);
      if (child !== undefined) collect(child, { levels, depth: 1, matches });
    } else {
      collect(root, { levels, depth: 0, matches });
    }
    return matches;
  }

  #reach(filter: string): { node: Node<T>; below: boolean } {
    let node = this.#root;
    for (const level of filter.split("/")) {
      if (level === "#") return { node, below: true };
      if (level === "+") node = node.plus ??= newNode(node, level);
      else node = childOf(node, level);
    }
    return { node, below: false };
  }

  #find(filter: string): { node: Node<T>; below: boolean } | null {
    let node: Node<T> | null | undefined = this.#root;
    for (const level of filter.split("/")) {
      if (level === "#") return { node, below: true };
      node = level === "+" ? node.plus : node.children?.get(level);
      if (node === null || node === undefined) return null;
    }
    return { node, below: false };
  }
}

function newNode<T>(parent: Node<T> | null, level: string): Node<T> {
  return { parent, level, children: null, plus: null, here: null, below: null };
}

function childOf<T>(node: Node<T>, level: string): Node<T> {
  node.children ??= new Map();
  let child = node.children.get(level);
  if (child === undefined) {
    child = newNode(node, level);
    node.children.set(level, child);
  }
  return child;
}

function groupOf<T>(
  subscribers: Subscribers<T>,
  shareName: string,
  filter: string,
): ShareGroup<T> {
  subscribers.shared ??= new Map();
  let group = subscribers.shared.get(shareName);
  if (group === undefined) {
    group = new ShareGroup(shareName, filter);
    subscribers.shared.set(shareName, group);
  }
  return group;
}

function removeMember<T>(subscribers: Subscribers<T>, place: SubscriptionPlace): T | undefined {
  if (place.shareName === null) {
    const before = subscribers.own?.get(place.key);
    subscribers.own?.delete(place.key);
    if (subscribers.own?.size === 0) subscribers.own = null;
    return before;
  }
  const group = subscribers.shared?.get(place.shareName);
  const before = group?.members.get(place.key);
  group?.members.delete(place.key);
  if (group?.members.size === 0) subscribers.shared!.delete(place.shareName);
  if (subscribers.shared?.size === 0) subscribers.shared = null;
  return before;
}

/** Removes empty nodes from `start` upwards. */
function prune<T>(start: Node<T>): void {
  let node = start;
  while (node.parent !== null && isEmpty(node)) {
    const { parent, level } = node;
    if (level === "+" && parent.plus === node) parent.plus = null;
    else {
      parent.children?.delete(level);
      if (parent.children?.size === 0) parent.children = null;
    }
    node = parent;
  }
}

function isEmpty<T>(node: Node<T>): boolean {
  return node.children === null && node.plus === null && node.here === null && node.below === null;
}

interface Walk<T> {
  levels: readonly string[];
  depth: number;
  matches: Matches<T>;
}

function collect<T>(node: Node<T>, walk: Walk<T>): void {
  // `#` stands for this level too: "a/#" matches "a".
  if (node.below !== null) take(node.below, walk.matches);
  if (walk.depth === walk.levels.length) {
    if (node.here !== null) take(node.here, walk.matches);
    return;
  }
  const child = node.children?.get(walk.levels[walk.depth]!);
  walk.depth++;
  if (child !== undefined) collect(child, walk);
  if (node.plus !== null) collect(node.plus, walk);
  walk.depth--;
}

function take<T>(subscribers: Subscribers<T>, matches: Matches<T>): void {
  if (subscribers.own !== null) {
    for (const value of subscribers.own.values()) matches.own.push(value);
  }
  if (subscribers.shared !== null) {
    for (const group of subscribers.shared.values()) matches.shared.push(group);
  }
}
