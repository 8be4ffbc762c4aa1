import assert from "node:assert/strict";
import fc from "fast-check";
import {
  countLevels,
  filterMatches,
  isTopicFilter,
  isTopicName,
  parseFilter,
} from "@/mqtt/topic_filter.ts";
import { type Matches, SubscriptionTree } from "@/mqtt/subscription_tree.ts";

Deno.test("[MQTT-4.7.1-1] the number sign stands alone in the last level", () => {
  for (const filter of ["#", "sport/#", "sport/tennis/#", "/#"]) assert(isTopicFilter(filter));
  for (const filter of ["sport#", "sport/tennis#", "sport/#/ranking", "##", "#/", "a/#b"]) {
    assert(!isTopicFilter(filter), filter);
  }
});

Deno.test("[MQTT-4.7.1-2] the plus sign fills a whole level", () => {
  for (const filter of ["+", "+/tennis/#", "sport/+/player", "/+", "+/+"]) {
    assert(isTopicFilter(filter));
  }
  for (const filter of ["sport+", "+a", "a/+b/c", "a/b+"]) assert(!isTopicFilter(filter), filter);
});

Deno.test("[MQTT-4.7.3-1] names and filters have at least one character", () => {
  assert(!isTopicName(""));
  assert(!isTopicFilter(""));
  assert(isTopicName("/"));
});

Deno.test("[MQTT-4.7.3-2] names and filters carry no U+0000", () => {
  assert(!isTopicName("a\u0000"));
  assert(!isTopicFilter("a/\u0000"));
});

Deno.test("[MQTT-3.3.2-2] a topic name has no wildcard", () => {
  for (const topic of ["a/+", "#", "a#b", "+"]) assert(!isTopicName(topic), topic);
});

Deno.test("[MQTT-4.7.2-1] a leading wildcard does not match a name that starts with $", () => {
  assert(!filterMatches("#", "$SYS/uptime"));
  assert(!filterMatches("+/uptime", "$SYS/uptime"));
  assert(filterMatches("$SYS/#", "$SYS/uptime"));
  assert(filterMatches("$SYS/+", "$SYS/uptime"));
});

Deno.test("matching follows the examples of §4.7.1", () => {
  const rows: [string, string, boolean][] = [
    ["sport/tennis/player1/#", "sport/tennis/player1", true],
    ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true],
    ["sport/#", "sport", true],
    ["sport/tennis/+", "sport/tennis/player1", true],
    ["sport/tennis/+", "sport/tennis/player1/ranking", false],
    ["sport/+", "sport", false],
    ["sport/+", "sport/", true],
    ["+/+", "/finance", true],
    ["/+", "/finance", true],
    ["+", "/finance", false],
    ["ACCOUNTS", "Accounts", false],
  ];
  for (const [filter, topic, expected] of rows) {
    assert.equal(filterMatches(filter, topic), expected, `${filter} ~ ${topic}`);
  }
});

Deno.test("[MQTT-4.8.2-1] [MQTT-4.8.2-2] a share name is there and has no wildcard or slash", () => {
  assert.deepEqual(parseFilter("$share/g/a/+"), { shareName: "g", filter: "a/+" });
  assert.deepEqual(parseFilter("$share/g//"), { shareName: "g", filter: "/" });
  for (
    const text of ["$share/", "$share/g", "$share//a", "$share/g/", "$share/+/a", "$share/#/a"]
  ) {
    assert.equal(parseFilter(text), null, text);
  }
  assert.deepEqual(parseFilter("$shared/g"), { shareName: null, filter: "$shared/g" });
});

Deno.test("levels are separators plus one", () => {
  assert.equal(countLevels("a"), 1);
  assert.equal(countLevels("/a//"), 4);
});

const level = fc.constantFrom("", "a", "b", "ab", "$SYS", "c");
const topicName = fc.array(level, { minLength: 1, maxLength: 5 }).map((l) => l.join("/"))
  .filter(isTopicName);
const topicFilter = fc.tuple(
  fc.array(fc.oneof(level, fc.constant("+")), { minLength: 0, maxLength: 5 }),
  fc.boolean(),
).map(([levels, hash]) => [...levels, ...(hash ? ["#"] : [])].join("/")).filter(isTopicFilter);

interface Entry {
  key: string;
  filter: string;
}

function found(matches: Matches<Entry>): string[] {
  const shared = matches.shared.flatMap((group) => [...group.members.values()]);
  return [...matches.own, ...shared].map((e) => `${e.key} ${e.filter}`).sort();
}

Deno.test("the tree finds what matching filter by filter finds, after any removals", () => {
  const entries = fc.array(
    fc.record({
      filter: topicFilter,
      key: fc.constantFrom("k1", "k2", "k3"),
      shareName: fc.constantFrom(null, "g"),
      removed: fc.boolean(),
    }),
    { maxLength: 40 },
  );
  fc.assert(fc.property(entries, fc.array(topicName, { maxLength: 10 }), (list, topics) => {
    const tree = new SubscriptionTree<Entry>();
    const model = new Map<string, Entry>();
    for (const place of list) {
      tree.set(place, { key: place.key, filter: place.filter });
      model.set(JSON.stringify([place.filter, place.key, place.shareName]), place);
    }
    for (const place of list.filter((p) => p.removed)) {
      const id = JSON.stringify([place.filter, place.key, place.shareName]);
      assert.equal(tree.delete(place) !== undefined, model.delete(id));
    }
    assert.equal(tree.size, model.size);
    for (const topic of topics) {
      const expected = [...model.values()].filter((e) => filterMatches(e.filter, topic))
        .map((e) => `${e.key} ${e.filter}`).sort();
      assert.deepEqual(found(tree.match(topic)), expected, topic);
    }
  }));
});

Deno.test("a publish visits only its branches among 100 000 subscriptions", () => {
  const tree = new SubscriptionTree<{ visits: number }>();
  for (let i = 0; i < 100_000; i++) {
    tree.set({ filter: `site/${i % 1000}/device/${i}/+`, shareName: null, key: "k" }, {
      visits: 0,
    });
  }
  assert.equal(tree.size, 100_000);
  assert.equal(tree.match("site/7/device/7/temperature").own.length, 1);
  assert.equal(tree.match("site/7/device/8/temperature").own.length, 0);
  for (let i = 0; i < 100_000; i++) {
    tree.delete({ filter: `site/${i % 1000}/device/${i}/+`, shareName: null, key: "k" });
  }
  assert.equal(tree.size, 0);
  assert.deepEqual(tree.match("site/7/device/7/temperature"), { own: [], shared: [] });
});
