/**
 * Retained messages by topic, in a tree of levels so that a wildcard subscription visits only its
 * branches. A subscription replays a list of nodes, not of messages: lists of equal filters are
 * shared, and a value that changed since is skipped, because the live message was delivered already.
 */

import type { BrokerStatistics, StoredMessage } from "@/mqtt/broker_types.ts";
import type { BrokerLimits } from "@/mqtt/limits.ts";
import { MESSAGE_OVERHEAD_BYTES, messageBytes } from "@/mqtt/message_size.ts";

export interface RetainedNode {
  parent: RetainedNode | null;
  level: string;
  children: Map<string, RetainedNode> | null;
  message: StoredMessage | null;
  /** Value of the retained counter when `message` was set. */
  version: number;
}

/** Replay lists that are kept for further subscriptions with the same filter. */
const LISTS_MAX = 16;

export class RetainedMessages {
  readonly #limits: BrokerLimits;
  readonly #statistics: BrokerStatistics;
  readonly #root: RetainedNode = newNode(null, "");
  readonly #lists: Map<string, RetainedNode[]> = new Map();
  #version = 0;

  constructor(limits: BrokerLimits, statistics: BrokerStatistics) {
    this.#limits = limits;
    this.#statistics = statistics;
  }

  /** Counts every change; a node with a higher version changed later. */
  get version(): number {
    return this.#version;
  }

  /** Whether payload and properties of so many bytes fit, in place of what the topic has now. */
  hasRoomFor(topic: string, contentBytes: number): boolean {
    const before = this.#find(topic)?.message ?? null;
    const bytes = this.#statistics.retainedBytes + contentBytes + topic.length +
      MESSAGE_OVERHEAD_BYTES -
      (before === null ? 0 : messageBytes(before));
    const count = this.#statistics.retainedMessages + (before === null ? 1 : 0);
    return bytes <= this.#limits.retainedBytesMax && count <= this.#limits.retainedMessagesMax;
  }

  put(message: StoredMessage): void {
    const node = this.#reach(message.topic);
    if (node.message === null) {
      this.#lists.clear();
      this.#statistics.retainedMessages++;
    } else {
      this.#statistics.retainedBytes -= messageBytes(node.message);
    }
    node.message = message;
    node.version = ++this.#version;
    this.#statistics.retainedBytes += messageBytes(message);
  }

  /** True when there was a message. */
  delete(topic: string): boolean {
    const node = this.#find(topic);
    if (node === null || node.message === null) return false;
    this.#statistics.retainedBytes -= messageBytes(node.message);
    this.#statistics.retainedMessages--;
    node.message = null;
    node.version = ++this.#version;
    this.#lists.clear();
    prune(node);
    return true;
  }

  get(topic: string): StoredMessage | null {
    return this.#find(topic)?.message ?? null;
  }

  /** The nodes that a valid filter (without share prefix) matches now; do not change the list. */
  match(filter: string): readonly RetainedNode[] {
    const known = this.#lists.get(filter);
    if (known !== undefined) return known;
    const found: RetainedNode[] = [];
    const levels = filter.split("/");
    collect(this.#root, { levels, depth: 0, found });
    if (this.#lists.size >= LISTS_MAX) this.#lists.clear();
    this.#lists.set(filter, found);
    return found;
  }

  #find(topic: string): RetainedNode | null {
    let node: RetainedNode | undefined = this.#root;
    for (const level of topic.split("/")) {
      node = node.children?.get(level);
      if (node === undefined) return null;
    }
    return node;
  }

  #reach(topic: string): RetainedNode {
    let node = this.#root;
    for (const level of topic.split("/")) {
      node.children ??= new Map();
      let child = node.children.get(level);
      if (child === undefined) {
        child = newNode(node, level);
        node.children.set(level, child);
      }
      node = child;
    }
    return node;
  }
}

function newNode(parent: RetainedNode | null, level: string): RetainedNode {
  return { parent, level, children: null, message: null, version: 0 };
}

function prune(start: RetainedNode): void {
  let node = start;
  while (node.parent !== null && node.message === null && node.children === null) {
    const parent = node.parent;
    parent.children?.delete(node.level);
    if (parent.children?.size === 0) parent.children = null;
    node = parent;
  }
}

interface Walk {
  levels: readonly string[];
  depth: number;
  found: RetainedNode[];
}

function collect(node: RetainedNode, walk: Walk): void {
  const wanted = walk.levels[walk.depth];
  if (wanted === undefined) {
    if (node.message !== null) walk.found.push(node);
    return;
  }
  if (wanted === "#") return collectAll(node, walk);
  walk.depth++;
  if (wanted === "+") collectChildren(node, walk);
  else {
    const child = node.children?.get(wanted);
    if (child !== undefined) collect(child, walk);
  }
  walk.depth--;
}

function collectChildren(node: RetainedNode, walk: Walk): void {
  if (node.children === null) return;
  for (const child of node.children.values()) {
    if (!isHidden(child)) collect(child, walk);
  }
}

function collectAll(node: RetainedNode, walk: Walk): void {
  if (node.message !== null) walk.found.push(node);
  if (node.children === null) return;
  for (const child of node.children.values()) if (!isHidden(child)) collectAll(child, walk);
}

/** A first level that starts with `$` is hidden from wildcards [MQTT-4.7.2-1]. */
function isHidden(node: RetainedNode): boolean {
  return node.parent?.parent === null && node.level.charCodeAt(0) === 0x24;
}
