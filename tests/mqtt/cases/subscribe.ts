/** SUBSCRIBE, UNSUBSCRIBE, PINGREQ; matching, overlap, shared subscriptions. */

import { both, type Case, mqtt4, mqtt5 } from "@/tests/mqtt/script.ts";

const ANSWERS: (Case | Case[])[] = [
  both("SUBACK has the identifier and a code for every filter in order", {
    covers: "3.8.4-1 3.8.4-2 3.9.3-1 3.9.3-2 4:2.3.1-7 4:3.8.4-4 4:3.8.4-5 " +
      "5:2.2.1-6 5:3.8.4-5 5:3.8.4-6 5:3.8.4-7",
    script: `
      a connects
      a subscribe a:2 b:0 nosub/c:1 d:1 id=65535
      4| a < suback 65535 2,0,0x80,1
      5| a < suback 65535 2,0,0x87,1 {reason=*}
      b connects
      b publish d "d"
      a < publish d "d"
      b publish nosub/c "c"
      b quiet
      a quiet`,
  }),
  ...[0, 1, 2].flatMap((granted) =>
    [0, 1, 2].map((published) =>
      both(`published at ${published}, granted ${granted}`, {
        covers: "4:3.8.4-6 5:3.8.4-8 4:3.3.5-1",
        script: `
          a connects
          a subscribes t:${granted}
          b connects
          b publish t "x" qos=${published}
          a < publish t "x"${
          Math.min(granted, published) === 0 ? "" : ` qos=${Math.min(granted, published)} id=*`
        }
          a quiet`,
      })
    )
  ),
  both("the same filter again replaces the subscription and sends retained messages again", {
    covers: "3.8.4-3 5:3.8.4-4",
    script: `
      b connects
      b publish t "kept" retain qos=1
      b < puback 1 ?
      a connects
      a subscribes t:0
      a < publish t "kept" retain
      a subscribes t:1
      a < publish t "kept" qos=1 id=* retain
      b publish t "live" qos=2 id=3
      a < publish t "live" qos=1 id=*
      a quiet
      * subscriptions 1`,
  }),
  both("replacing loses nothing", {
    covers: "4:3.8.4-3 5:3.8.4-4",
    script: `
      a connects
      a subscribes t:1
      b connects
      b publish t "1" qos=1 id=1
      a < publish t "1" qos=1 id=*
      a subscribes t:2 id=2
      b publish t "2" qos=1 id=2
      a < publish t "2" qos=1 id=*
      a unsubscribe t
      a < unsuback 1 ?
      * subscriptions 0`,
  }),
  both("UNSUBSCRIBE is answered, also for what is not there", {
    covers: "3.10.4-4 3.10.4-5 3.10.4-6 3.10.4-1 4:2.3.1-7 5:2.2.1-6 5:3.11.3-1 5:3.11.3-2",
    script: `
      a connects
      a subscribes a b/+ c/#
      a unsubscribe a x b/1 c/# id=9
      a < unsuback 9 ?
      b connects
      b publish a "1"
      b publish b/1 "2"
      b publish c/1 "3"
      a < publish b/1 "2"
      a quiet
      a unsubscribe nothing id=10
      a < unsuback 10 ?`,
  }),
  mqtt5("UNSUBACK has a code for every filter in order", {
    covers: "3.11.3-1 3.11.3-2 3.10.4-6",
    script: `
      a connects
      a subscribes a b/+ c/#
      a unsubscribe a x b/1 c/# id=9
      a < unsuback 9 0,0x11,0x11,0`,
  }),
  both("filters are compared character by character", {
    covers: "3.10.4-1",
    script: `
      a connects
      a subscribes a/+ A/+
      a unsubscribe a/#
      a < unsuback 1 ?
      a unsubscribe a/+/
      a < unsuback 1 ?
      b connects
      b publish a/1 "1"
      a < publish a/1 "1"
      a unsubscribe a/+
      a < unsuback 1 ?
      b publish a/1 "1"
      b publish A/1 "2"
      a < publish A/1 "2"
      a quiet`,
  }),
  both("nothing new after UNSUBACK, but what has begun is completed", {
    covers: "3.10.4-2 3.10.4-3",
    script: `
      a connects
      a subscribes t:2
      b connects
      b publish t "1" qos=2 id=1
      b publish t "2" qos=1 id=2
      a < publish t "1" qos=2 id=$x
      a < publish t "2" qos=1 id=$y
      a unsubscribe t
      a < unsuback 1 ?
      b publish t "3" qos=1 id=3
      b < pubrec 1
      b < puback 2
      b < puback 3 ?
      a quiet
      a pubrec $x
      a < pubrel $x
      a pubcomp $x
      a puback $y
      a quiet
      * queued 0`,
  }),
  both("and completed after a reconnect too", {
    covers: "3.10.4-3 4.4.0-1",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2
      b connects
      b publish t "1" qos=1 id=1
      a < publish t "1" qos=1 id=$x
      a unsubscribe t
      a < unsuback 1 ?
      a cut
      * connections 1
      a resumes {session=100}
      a < publish t "1" qos=1 id=$x dup`,
  }),
  both("PINGREQ is answered, several at once too", {
    covers: "3.12.4-1",
    script: `
      a connects
      a raw c000 c000 c000
      a < pingresp
      a < pingresp
      a < pingresp
      a quiet`,
  }),
  both("subscriptions of a session survive a restart, with their options", {
    covers: "4:3.1.2-4 5:3.1.2-5",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2 u:1
      a unsubscribe u
      a < unsuback 1 ?
      * restart
      a resumes {session=100}
      b connects
      b publish u "no"
      b publish t "yes" qos=2
      a < publish t "yes" qos=2 id=*`,
  }),
  mqtt5("subscription options and identifiers survive a restart", {
    covers: "3.1.2-5 3.8.3-3 3.3.1-13 3.3.4-3",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:0x0e {subid=77}
      * restart
      a resumes {session=100}
      a publish t "own" qos=1
      a < puback 1 0x10
      b connects
      b publish t "x" qos=1 retain
      a < publish t "x" qos=1 id=* retain {subid=77}`,
  }),
];

const MATCHING: (Case | Case[])[] = [
  ...[
    ["#", "a a/b /a a/b/c end", "$x/a $SYS/a"],
    ["+", "a ä end", "a/b /a $x"],
    ["+/+", "/a a/ a/b", "a a/b/c $x/a"],
    ["/+", "/a /", "a a/b //"],
    ["+/#", "a a/b / end", "$x $x/a"],
    ["a/#", "a a/ a/b a/b/c", "b /a ab A/b"],
    ["a/+/c", "a/b/c a//c", "a/c a/b/b/c a/b/c/"],
    ["a/+", "a/ a/b", "a a/b/"],
    ["$x/#", "$x $x/a $x/a/b", "x/a $y/a"],
    ["$x/+", "$x/a", "$x x/a"],
    ["a/$x/+", "a/$x/b", "a/x/b"],
    ["/", "/", "// a/"],
    ["ä/é", "ä/é", "a/e"],
    ["a", "a", "A /a a/"],
  ].flatMap(([filter, yes, no]) =>
    both(`filter ${filter}`, {
      covers: "4.7.2-1 4.7.3-4 4:4.7.1-2 4:4.7.1-3 5:4.7.1-1 5:4.7.1-2 3.3.2-3",
      script: [
        "a connects",
        "b connects",
        `a subscribes ${filter}`,
        ...no!.split(" ").map((topic) => `b publish ${topic} "no"`),
        ...yes!.split(" ").map((topic) => `b publish ${topic} "yes"`),
        'b publish end/of/all/topics "end"',
        "b quiet",
        ...yes!.split(" ").map((topic) => `a < publish ${topic} "yes"`),
        ...(["#", "+/#"].includes(filter!) ? ['a < publish end/of/all/topics "end"'] : []),
        "a quiet",
      ].join("\n"),
    })
  ),
  both("blanks are part of a topic", {
    covers: "4.7.3-4",
    script: `
      a connects
      4| a raw 82 L 0001 "a b" 00
      5| a raw 82 L 0001 00 "a b" 00
      a < suback 1 0
      b connects
      4| b raw 30 L "a b" 'yes' ; 30 L "ab" 'no'
      5| b raw 30 L "a b" 00 'yes' ; 30 L "ab" 00 'no'
      a < publish a b "yes"
      b quiet
      a quiet`,
  }),
  both("precomposed and decomposed characters differ", {
    covers: "4.7.3-4",
    script: `
      a connects
      a subscribes caf\u00e9
      b connects
      b publish cafe\u0301 "decomposed"
      b publish caf\u00e9 "composed"
      a < publish caf\u00e9 "composed"
      a quiet`,
  }),
  both("U+FEFF is a character like others", {
    covers: "4:1.4.0-3 5:1.5.4-3 4.7.3-4",
    script: `
      a connects
      4| a raw 82 L 0001 0004 efbbbf74 00
      5| a raw 82 L 0001 00 0004 efbbbf74 00
      a < suback 1 0
      b connects
      b publish t "without"
      4| b raw 30 L 0004 efbbbf74 'with'
      5| b raw 30 L 0004 efbbbf74 00 'with'
      a < publish \ufefft "with"
      b quiet
      a quiet`,
  }),
  both("clients cannot publish on the broker's own topics", {
    covers: "4.7.2-1",
    script: `
      a connects
      a subscribes $SYS/#
      b connects
      b publish $SYS/broker/version "mine"
      b quiet
      a quiet`,
  }),
];

const OVERLAP: (Case | Case[])[] = [
  both("overlapping subscriptions: one copy at the highest QoS", {
    covers: "4:3.3.5-1 5:3.3.4-2",
    script: `
      a connects
      a subscribes t/#:0 t/+:2 t/1:1
      b connects
      b publish t/1 "x" qos=2
      a < publish t/1 "x" qos=2 id=*
      a quiet`,
  }),
  mqtt5("a single copy carries all identifiers", {
    covers: "3.3.4-3 3.3.4-4",
    script: `
      a connects
      a subscribes t/#:0 {subid=1}
      a subscribes t/+:2 {subid=268435455}
      a subscribes t/1:1
      a subscribes other {subid=3}
      b connects
      b publish t/1 "x" qos=2
      a < publish t/1 "x" qos=2 id=* {subid=$x subid=$y}
      a quiet
      b publish t/1/2 "y"
      a < publish t/1/2 "y" {subid=1}`,
  }),
  mqtt5("replacing a subscription replaces its identifier", {
    covers: "3.8.4-3 3.3.4-3",
    script: `
      a connects
      a subscribes t {subid=1}
      a subscribes t {subid=2}
      b connects
      b publish t "x"
      a < publish t "x" {subid=2}
      a subscribes t
      b publish t "y"
      a < publish t "y"`,
  }),
  mqtt5("a retained message carries the identifier of its subscription", {
    covers: "3.3.4-3",
    script: `
      b connects
      b publish t "kept" retain
      b quiet
      a connects
      a subscribes t {subid=9}
      a < publish t "kept" retain {subid=9}`,
  }),
  mqtt5("no local", {
    covers: "3.8.3-3",
    script: `
      a connects
      a subscribes t:0x04
      b connects
      b subscribes t:0x04
      a publish t "from a"
      a quiet
      b < publish t "from a"
      b publish t "from b"
      a < publish t "from b"
      b quiet`,
  }),
  mqtt5("no local on one of two overlapping subscriptions", {
    covers: "3.8.3-3 3.3.4-2",
    script: `
      a connects
      a subscribes t:0x06 {subid=1}
      a subscribes +:0x01 {subid=2}
      b connects
      a publish t "own" qos=2
      a < publish t "own" qos=1 id=* {subid=2}
      a < pubrec 1`,
  }),
];

const SHARED: (Case | Case[])[] = [
  mqtt5("no local on a shared subscription", {
    covers: "3.8.3-4",
    script: `
      a connects
      a subscribe $share/g/t:0x04
      a < disconnect 0x82
      a < closed`,
  }),
  ...["$share", "$share/", "$share/g", "$share//t", "$share/g/", "$share/+/t", "$share/g#/t"].map(
    (filter) =>
      mqtt5(`shared filter ${filter}`, {
        covers: `4.8.2-1 4.8.2-2`,
        script: `
          a connects
          a subscribe ${filter}
          a < ${filter === "$share" ? "suback 1 0" : "disconnect 0x81"}
          ${filter === "$share" ? "a quiet" : "a < closed"}`,
      }),
  ),
  both("each message goes to one member, in turn", {
    covers: "5:4.8.2-1 5:4.8.2-2",
    script: `
      a connects
      a subscribes $share/g/t/+
      b connects
      b subscribes $share/g/t/+
      o connects
      o subscribes t/+
      p connects
      p publish t/1 "1"
      p publish t/2 "2"
      p publish t/3 "3"
      p publish t/4 "4"
      o < publish t/1 "1"
      o < publish t/2 "2"
      o < publish t/3 "3"
      o < publish t/4 "4"
      a < publish t/1 "1"
      a < publish t/3 "3"
      a quiet
      b < publish t/2 "2"
      b < publish t/4 "4"
      b quiet`,
  }),
  mqtt5("the granted QoS of the member is respected", {
    covers: "4.8.2-3",
    script: `
      a connects
      a subscribes $share/g/t:0
      p connects
      p publish t "x" qos=2
      a < publish t "x"
      a unsubscribe $share/g/t
      a < unsuback 1 0
      b connects
      b subscribes $share/g/t:1 {subid=5}
      p publish t "y" qos=2 id=2
      b < publish t "y" qos=1 id=* {subid=5}`,
  }),
  mqtt5("groups of other names and ordinary subscriptions get their own copies", {
    covers: "4.8.2-1 3.10.4-1",
    script: `
      a connects
      a subscribes $share/g/t
      b connects
      b subscribes $share/h/t $share/g/other
      c connects
      c subscribes t
      p connects
      p publish t "x"
      a < publish t "x"
      b < publish t "x"
      c < publish t "x"
      a unsubscribe t
      a < unsuback 1 0x11
      p publish t "y"
      a < publish t "y"
      a unsubscribe $share/g/t
      a < unsuback 1 0
      p publish t "z"
      c < publish t "y"
      c < publish t "z"
      a quiet`,
  }),
  mqtt5("what a leaving member was not sent goes to another", {
    covers: "4.8.2-2",
    script: `
      a connects clean=0 {session=100 receivemax=1}
      a subscribes $share/g/t:1
      p connects
      p publish t "1" qos=1 id=1
      p publish t "2" qos=1 id=2
      a < publish t "1" qos=1 id=$x
      a quiet
      b connects
      b subscribes $share/g/t:1
      a cut
      b < publish t "2" qos=1 id=*
      a resumes {session=100}
      a < publish t "1" qos=1 id=$x dup
      a quiet
      b quiet`,
  }),
  mqtt5("a QoS 2 delivery that has begun is completed to its member", {
    covers: "4.8.2-4 4.4.0-1",
    script: `
      a connects clean=0 {session=100}
      a subscribes $share/g/t:2
      b connects
      p connects
      p publish t "1" qos=2 id=1
      a < publish t "1" qos=2 id=$x
      b subscribes $share/g/t:2
      a cut
      * connections 2
      b quiet
      a resumes {session=100}
      a < publish t "1" qos=2 id=$x dup
      a pubrec $x
      a < pubrel $x
      a pubcomp $x
      b quiet`,
  }),
  mqtt5("and goes to nobody else when the member's session ends", {
    covers: "4.8.2-5",
    script: `
      a connects clean=0 {session=10}
      a subscribes $share/g/t:2
      p connects
      p publish t "1" qos=2 id=1
      a < publish t "1" qos=2 id=$x
      b connects
      b subscribes $share/g/t:2
      a cut
      * connections 2
      * advance 12
      * sessions 2
      b quiet
      * queued 0`,
  }),
  mqtt5("a message that a member refuses goes to nobody else", {
    covers: "4.8.2-6",
    script: `
      a connects
      a subscribes $share/g/t:2
      p connects
      p publish t "1" qos=1 id=1
      a < publish t "1" qos=1 id=$x
      b connects
      b subscribes $share/g/t:2
      a puback $x 0x80
      a quiet
      b quiet
      * queued 0`,
  }),
  mqtt5("an ACL is asked for the filter without its share", {
    covers: "3.8.4-7",
    script: `
      a connects
      a subscribe $share/g/nosub/x:1
      a < suback 1 0x87 {*}`,
  }),
];

const WILDCARDS: (Case | Case[])[] = [
  ...["a#", "#/a", "a/#/b", "a+", "+a", "a/b+", "a/+b/c", "##", "++", "a/#b"].flatMap((filter) =>
    [
      ["subscribe", "3.8.3-1"] as const,
      ["unsubscribe", "3.10.3-1"] as const,
    ].flatMap(([verb, number]) => [
      mqtt4(`${verb} ${filter}`, {
        covers: `4.7.1-2 4.7.1-3 4.8.0-1 ${number}`,
        script: `
          a connects
          a ${verb} ${filter}
          a < closed`,
      }),
      mqtt5(`${verb} ${filter}`, {
        covers: `4.7.1-1 4.7.1-2 4.13.1-1 ${number}`,
        script: `
          a connects
          a ${verb} ${filter}
          a < disconnect 0x81
          a < closed`,
      }),
    ])
  ),
  both("filters with wildcards are supported", {
    covers: "4:3.8.3-2 4.7.1-2 4:4.7.1-3 5:4.7.1-1",
    script: `
      a connects
      a subscribes +/+/#:1 /+:0 #:2
      a quiet`,
  }),
  ...["+", "#", "a/+", "a/#", "a+b"].flatMap((topic) => [
    mqtt4(`publish on ${topic}`, {
      covers: "3.3.2-2 4.7.1-1",
      script: `
        a connects
        a publish ${topic} "x"
        a < closed
        * handed 0`,
    }),
    mqtt5(`publish on ${topic}`, {
      covers: "3.3.2-2 4.7.0-1",
      script: `
        a connects
        a publish ${topic} "x"
        a < disconnect 0x81
        a < closed
        * handed 0`,
    }),
  ]),
];

export const SUBSCRIBE_CASES: Case[] = [
  ...ANSWERS,
  ...MATCHING,
  ...OVERLAP,
  ...SHARED,
  ...WILDCARDS,
].flat();
