/** PUBLISH and its answers: QoS flows, retained messages, properties, aliases, expiry, quota. */

import { both, type Case, mqtt4, mqtt5 } from "@/tests/mqtt/script.ts";

const FLOWS: (Case | Case[])[] = [
  both("QoS 0 goes on with QoS 0 and is not answered", {
    covers: "4.3.1-1 3.3.1-2 4:3.3.2-3 5:3.3.2-3 5:3.3.4-1",
    script: `
      a connects
      a subscribes t:2
      b connects
      b publish t "x"
      b quiet
      a < publish t "x"`,
  }),
  both("QoS 1 is answered with PUBACK of its identifier", {
    covers: "4:2.3.1-6 4:4.3.2-2 5:2.2.1-5 5:3.3.4-1 5:4.3.2-4 5:3.4.2-1",
    script: `
      a connects
      a subscribes t:2
      b connects
      b publish t "x" qos=1 id=65535
      b < puback 65535
      a < publish t "x" qos=1 id=$x
      a puback $x
      b quiet`,
  }),
  both("after PUBACK the same identifier is a new message, with or without DUP", {
    covers: "4:4.3.2-2 5:4.3.2-5",
    script: `
      a connects
      a subscribes t:1
      b connects
      b publish t "x" qos=1 id=7
      b < puback 7
      b publish t "x" qos=1 id=7 dup
      b < puback 7
      b publish t "y" qos=1 id=7
      b < puback 7
      a < publish t "x" qos=1 id=*
      a < publish t "x" qos=1 id=*
      a < publish t "y" qos=1 id=*`,
  }),
  both("QoS 2 takes four steps on both sides", {
    covers: "4:2.3.1-6 4:4.3.3-1 4:4.3.3-2 4:3.6.1-1 5:2.2.1-5 5:3.3.4-1 5:4.3.3-2 5:4.3.3-4 " +
      "5:4.3.3-8 5:4.3.3-11 5:3.5.2-1 5:3.6.2-1 5:3.7.2-1",
    script: `
      a connects
      a subscribes t:2
      b connects
      b publish t "x" qos=2 id=9
      b < pubrec 9
      b pubrel 9
      b < pubcomp 9
      a < publish t "x" qos=2 id=$x
      a pubrec $x
      a < pubrel $x
      a pubcomp $x
      a quiet
      b quiet
      * queued 0`,
  }),
  both("until PUBREL the same identifier is not delivered again", {
    covers: "4:4.3.3-2 5:4.3.3-10",
    script: `
      a connects
      a subscribes t:2
      b connects
      b publish t "x" qos=2 id=9
      b < pubrec 9
      b publish t "x" qos=2 id=9 dup
      b < pubrec 9
      b publish t "x" qos=2 id=9
      b < pubrec 9
      b pubrel 9
      b < pubcomp 9
      a < publish t "x" qos=2 id=*
      a quiet
      * handed 1`,
  }),
  both("after PUBCOMP the same identifier is a new message", {
    covers: "4:4.3.3-2 5:4.3.3-12",
    script: `
      a connects
      a subscribes t:2
      b connects
      b publish t "x" qos=2 id=9
      b < pubrec 9
      b pubrel 9
      b < pubcomp 9
      b publish t "x" qos=2 id=9
      b < pubrec 9
      a < publish t "x" qos=2 id=*
      a < publish t "x" qos=2 id=*`,
  }),
  both("new messages get identifiers that are not in use, and not 0", {
    covers: "4:2.3.1-2 4:2.3.1-4 4:4.3.2-1 4:4.3.3-1 5:2.2.1-4 5:4.3.2-1 5:4.3.3-1 5:4.3.2-2",
    script: `
      a connects
      a subscribes t:2
      b connects
      b publish t "1" qos=1 id=1
      b publish t "2" qos=2 id=2
      b publish t "3" qos=1 id=3
      a < publish t "1" qos=1 id=1
      a < publish t "2" qos=2 id=2
      a < publish t "3" qos=1 id=3
      a puback 1
      a quiet
      b publish t "4" qos=1 id=1
      a < publish t "4" qos=1 id=4`,
  }),
  both("acknowledgements keep the order of the messages", {
    covers: "4.6.0-2 4.6.0-3 4.6.0-4",
    script: `
      a connects
      a subscribes t:2
      b connects
      b publish t "1" qos=1 id=11
      b publish taken/x "2" qos=1 id=12
      b publish t "3" qos=1 id=13
      b publish taken/x "4" qos=2 id=14
      b publish t "5" qos=2 id=15
      b < puback 11
      b quiet
      * handed 5
      * accept
      b < puback 12
      b < puback 13
      b quiet
      * accept
      b < pubrec 14
      b < pubrec 15
      a < publish t "1" qos=1 id=*
      a < publish t "3" qos=1 id=*
      a < publish t "5" qos=2 id=$x`,
  }),
  both("PUBRELs are in the order of the PUBRECs", {
    covers: "4.6.0-4 4:4.3.3-1 5:4.3.3-4",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2
      b connects
      b publish t "1" qos=2 id=1
      b publish t "2" qos=2 id=2
      b publish t "3" qos=2 id=3
      a < publish t "1" qos=2 id=$x
      a < publish t "2" qos=2 id=$y
      a < publish t "3" qos=2 id=$z
      a pubrec $x
      a pubrec $y
      a pubrec $z
      a < pubrel $x
      a < pubrel $y
      a < pubrel $z`,
  }),
  both("messages of one client stay in order", {
    covers: "4.6.0-5 4.6.0-6",
    script: `
      a connects clean=0 {session=100}
      a subscribes #:2
      b connects
      b publish t "1" qos=1 id=1
      b publish t "2" qos=1 id=2
      b publish u "3" qos=2 id=3
      b publish t "4" qos=1 id=4
      a < publish t "1" qos=1 id=*
      a < publish t "2" qos=1 id=*
      a < publish u "3" qos=2 id=*
      a < publish t "4" qos=1 id=*`,
  }),
  both("DUP from a publisher does not reach a subscriber", {
    covers: "3.3.1-3",
    script: `
      a connects
      a subscribes t:2
      b connects
      b publish t "1" qos=1 id=1 dup
      b publish t "2" qos=2 id=2 dup
      a < publish t "1" qos=1 id=*
      a < publish t "2" qos=2 id=*`,
  }),
  both("PUBREL for an unknown identifier is completed", {
    covers: "4:4.3.3-2 5:4.3.3-11 5:3.7.2-1",
    script: `
      a connects
      a pubrel 77
      a < pubcomp 77 ?
      a quiet`,
  }),
  mqtt5("PUBREL for an unknown identifier is completed with 0x92", {
    covers: "3.7.2-1",
    script: `
      a connects
      a pubrel 77
      a < pubcomp 77 0x92`,
  }),
  both("PUBREC for an unknown identifier is released", {
    covers: "5:3.6.2-1 5:4.3.3-4",
    script: `
      a connects
      a pubrec 77
      a < pubrel 77 ?
      a pubcomp 77
      a quiet`,
  }),
  both("PUBACK and PUBCOMP for an unknown identifier change nothing", {
    covers: "4:4.3.2-1 5:4.3.2-3",
    script: `
      a connects
      a puback 77
      a pubcomp 77
      a quiet`,
  }),
  both("PUBACK for a QoS 2 message is a violation", {
    covers: "4:4.8.0-1 5:4.13.1-1",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2
      b connects
      b publish t "1" qos=2
      a < publish t "1" qos=2 id=$x
      a puback $x
      * connections 1
      a resumes again=1 {session=100}
      a < publish t "1" qos=2 id=$x dup`,
  }),
  mqtt5("QoS 1 without subscribers is told so, with subscribers not", {
    covers: "3.4.2-1",
    script: `
      a connects
      a publish t "x" qos=1 id=1
      a < puback 1 0x10
      b connects
      b subscribes t:0
      a publish t "x" qos=1 id=1
      a < puback 1
      b < publish t "x"`,
  }),
];

const REFUSALS: (Case | Case[])[] = [
  mqtt4("a PUBLISH that is not permitted ends the connection", {
    covers: "3.3.5-2",
    script: `
      a connects
      a publish nopub/x "x" qos=1
      a < closed
      b connects
      b publish nopub/x "x"
      b < closed
      * handed 0`,
  }),
  mqtt5("a PUBLISH that is not permitted is told so", {
    covers: "3.4.2-1 3.5.2-1 3.3.4-1",
    script: `
      a connects
      a publish nopub/x "x" qos=1 id=1
      a < puback 1 0x87
      a publish nopub/x "x" qos=2 id=2
      a < pubrec 2 0x87
      a publish nopub/x "x"
      a quiet
      * handed 0`,
  }),
  mqtt5("after a refusing PUBREC the identifier is free", {
    covers: "4.3.3-9",
    script: `
      a connects
      b connects
      b subscribes t:2
      a publish nopub/x "x" qos=2 id=2
      a < pubrec 2 0x87
      a publish t "y" qos=2 id=2
      a < pubrec 2
      b < publish t "y" qos=2 id=*
      a pubrel 2
      a < pubcomp 2`,
  }),
  mqtt5("after a refusal by the product too", {
    covers: "4.3.3-9 3.5.2-1 3.4.2-1",
    script: `
      a connects
      a publish taken/x "x" qos=2 id=2
      * handed 1
      * refuse 0x97
      a < pubrec 2 0x97
      a publish taken/x "x" qos=2 id=2
      * handed 2
      * accept
      a < pubrec 2
      a publish taken/x "x" qos=1 id=3
      * handed 3
      * refuse 0x99
      a < puback 3 0x99`,
  }),
  mqtt5("a refusal with DISCONNECT leaves no acknowledgement", {
    covers: "3.14.2-1 4.13.2-1",
    script: `
      a connects
      a publish taken/x "x" qos=1 id=3
      * handed 1
      * refuse 0x97 disconnect
      a < disconnect 0x97
      a < closed`,
  }),
  both("nothing is acknowledged before the commit", {
    covers: "4:4.3.2-2 4:4.3.3-2 5:4.3.2-4 5:4.3.3-8 4.5.0-1",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2
      b connects clean=0 {session=100}
      * hold
      b publish t "1" qos=1 id=1
      b publish t "2" qos=2 id=2
      b quiet
      a quiet
      * release
      b < puback 1
      b < pubrec 2
      a < publish t "1" qos=1 id=*
      a < publish t "2" qos=2 id=*`,
  }),
  both("what the subscriber may not receive is not sent", {
    covers: "4:3.3.5-1 5:3.3.4-2",
    script: `
      a connects
      a subscribes #:2
      b connects
      b publish norecv/x "secret" qos=1 id=1 retain
      b < puback 1 ?
      a quiet
      c connects
      c subscribes #:1
      c quiet`,
  }),
];

const RETAINED: (Case | Case[])[] = [
  both("a retained message is stored with its QoS, replaced, and sent to new subscriptions", {
    covers: "3.3.1-5 4:3.3.1-6 4:3.3.1-8 4:3.3.1-9 5:3.3.1-9 5:3.3.1-12",
    script: `
      a connects
      a subscribes r/#:2
      b connects
      b publish r/1 "old" retain qos=1 id=1
      b < puback 1
      b publish r/1 "new" retain qos=2 id=2
      b < pubrec 2
      b publish r/2 "two" retain qos=1 id=3
      b < puback 3
      a < publish r/1 "old" qos=1 id=*
      a < publish r/1 "new" qos=2 id=*
      a < publish r/2 "two" qos=1 id=*
      c connects
      c subscribes r/1:2
      c < publish r/1 "new" qos=2 id=* retain
      c subscribes r/2:0
      c < publish r/2 "two" retain
      c quiet`,
  }),
  both("retained messages survive a restart", {
    covers: "3.3.1-5 4:3.1.2-7",
    script: `
      b connects
      b publish r/1 "kept" retain qos=1 id=1
      b < puback 1 ?
      * restart
      c connects
      c subscribes r/+:1
      c < publish r/1 "kept" qos=1 id=* retain`,
  }),
  both("a retained QoS 0 message replaces one of QoS 1", {
    covers: "4:3.3.1-7 3.3.1-5",
    script: `
      b connects
      b publish r/1 "one" retain qos=1 id=1
      b < puback 1 ?
      b publish r/1 "zero" retain
      b quiet
      c connects
      c subscribes r/1:1
      c < publish r/1 "zero" retain
      c quiet`,
  }),
  both("an empty retained message is delivered and removes", {
    covers: "4:3.3.1-10 4:3.3.1-11 5:3.3.1-6 5:3.3.1-7",
    script: `
      a connects
      a subscribes r/1
      b connects
      b publish r/1 "one" retain
      b publish r/1 "" retain
      a < publish r/1 "one"
      a < publish r/1 ""
      c connects
      c subscribes r/1
      c quiet
      * retained 0`,
  }),
  both("the removal survives a restart", {
    covers: "4:3.3.1-11 5:3.3.1-7",
    script: `
      b connects
      b publish r/1 "one" retain qos=1 id=1
      b < puback 1 ?
      b publish r/1 "" retain qos=1 id=2
      b < puback 2 ?
      * restart
      * retained 0`,
  }),
  both("a message without RETAIN leaves what is retained", {
    covers: "4:3.3.1-12 5:3.3.1-8",
    script: `
      b connects
      b publish r/1 "one" retain
      b publish r/1 "two"
      b publish r/1 ""
      b publish r/2 "x"
      b quiet
      c connects
      c subscribes r/#
      c < publish r/1 "one" retain
      c quiet`,
  }),
  mqtt5("retain as published", {
    covers: "3.3.1-12 3.3.1-13",
    script: `
      a connects
      a subscribes r:0x08
      b connects
      b subscribes r:0x00
      c connects
      c publish r "1" retain
      c publish r "2"
      a < publish r "1" retain
      a < publish r "2"
      b < publish r "1"
      b < publish r "2"`,
  }),
  mqtt5("retain handling 0, 1 and 2", {
    covers: "3.3.1-9 3.3.1-10 3.3.1-11 3.8.4-4",
    script: `
      b connects
      b publish r "kept" retain
      b quiet
      a connects
      a subscribes r:0x20
      a quiet
      a subscribes r:0x10
      a quiet
      a subscribes r:0x00
      a < publish r "kept" retain
      a subscribes r:0x00
      a < publish r "kept" retain
      a unsubscribe r
      a < unsuback 1 0
      a subscribes r:0x10
      a < publish r "kept" retain
      a quiet`,
  }),
  both("retained messages are not sent for a shared subscription", {
    covers: "5:4.8.2-1",
    script: `
      b connects
      b publish r "kept" retain
      b quiet
      a connects
      a subscribes $share/g/r:1
      a quiet`,
  }),
  mqtt5("an expired retained message is not sent", {
    covers: "3.3.2-5 3.3.2-6",
    script: `
      b connects
      b publish r "kept" retain {expiry=10}
      b quiet
      * advance 4
      a connects
      a subscribes r
      a < publish r "kept" retain {expiry=6}
      * advance 7
      a subscribes r
      a quiet`,
  }),
];

const PROPERTIES: (Case | Case[])[] = [
  mqtt5("properties go on unaltered, user properties in their order", {
    covers: "3.3.2-4 3.3.2-15 3.3.2-16 3.3.2-17 3.3.2-18 3.3.2-20 1.5.7-1",
    script: `
      a connects
      a subscribes t:1
      b connects
      b publish t "x" qos=1 {format=1 content=c response=r correlation=d user=z:1 user=a:2 user=z:1}
      a < publish t "x" qos=1 id=* {format=1 content=c response=r correlation=d user=z:1 user=a:2 user=z:1}`,
  }),
  mqtt5("and through a queue and a restart", {
    covers: "3.3.2-4 3.3.2-15 3.3.2-16 3.3.2-17 3.3.2-18 3.3.2-20",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:1
      a disconnect
      a < closed
      b connects
      b publish t "x" qos=1 {format=0 content=c response=r correlation=d user=z:1 user=a:2}
      b < puback 1
      * restart
      a resumes
      a < publish t "x" qos=1 id=* {format=0 content=c response=r correlation=d user=z:1 user=a:2}`,
  }),
  mqtt5("no properties are a length of 0", {
    covers: "2.2.2-1",
    script: `
      a connects
      a subscribes t
      b connects
      b publish t "x"
      a < publish t "x"`,
  }),
  mqtt5("the expiry goes down by the time of waiting", {
    covers: "3.3.2-6",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:1
      a disconnect
      a < closed
      b connects
      b publish t "x" qos=1 {expiry=20}
      b < puback 1
      * advance 7
      a resumes
      a < publish t "x" qos=1 id=* {expiry=13}`,
  }),
  mqtt5("what expires while it waits is not delivered", {
    covers: "3.3.2-5",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2
      a disconnect
      a < closed
      b connects
      b publish t "short" qos=1 id=1 {expiry=5}
      b publish t "long" qos=1 id=2 {expiry=50}
      b publish t "ever" qos=2 id=3
      b < puback 1
      b < puback 2
      b < pubrec 3
      * advance 6
      a resumes
      a < publish t "long" qos=1 id=* {expiry=44}
      a < publish t "ever" qos=2 id=*
      a quiet`,
  }),
  mqtt5("what has been sent does not expire, and its sequence goes on", {
    covers: "4.3.3-7 4.3.3-13",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2
      b connects
      b publish t "x" qos=2 id=3 {expiry=5}
      b < pubrec 3
      a < publish t "x" qos=2 id=$x {expiry=5}
      a cut
      * connections 1
      * advance 20
      a resumes {session=100}
      a < publish t "x" qos=2 id=$x dup {expiry=0}
      a pubrec $x
      a < pubrel $x
      a pubcomp $x
      b pubrel 3
      b < pubcomp 3`,
  }),
  mqtt5("an expired QoS 2 message from a client is still acknowledged to its end", {
    covers: "4.3.3-13",
    script: `
      a connects
      a publish t "x" qos=2 id=3 {expiry=1}
      a < pubrec 3
      * advance 10
      a publish t "x" qos=2 id=3 dup {expiry=1}
      a < pubrec 3
      a pubrel 3
      a < pubcomp 3`,
  }),
  mqtt5("properties do not reach a client of 3.1.1", {
    covers: "3.3.2-17",
    script: `
      a connects v=4
      a subscribes t:1
      b connects
      b publish t "x" qos=1 {content=c user=a:b expiry=7}
      a < publish t "x" qos=1 id=*`,
  }),
  ...["+", "a/#", "a/+/b"].map((topic) =>
    mqtt5(`response topic "${topic}"`, {
      covers: "3.3.2-14 4.13.1-1",
      script: `
        a connects
        a publish t "x" {response=${topic}}
        a < disconnect 0x82
        a < closed`,
    })
  ),
];

const ALIASES: (Case | Case[])[] = [
  mqtt5("aliases from a client, up to the maximum", {
    covers: "3.3.2-12 3.3.2-9",
    options: { limits: { topicAliasMaximum: 5 } },
    script: `
      w connects
      w subscribes #
      a connect
      a < connack 0 0 {aliasmax=5 *}
      a publish t/1 "a" {alias=1}
      a publish t/5 "b" {alias=5}
      a publish - "c" {alias=1}
      a publish - "d" {alias=5}
      a publish t/2 "e" {alias=1}
      a publish - "f" {alias=1}
      w < publish t/1 "a"
      w < publish t/5 "b"
      w < publish t/1 "c"
      w < publish t/5 "d"
      w < publish t/2 "e"
      w < publish t/2 "f"
      a quiet
      a publish t "g" {alias=6}
      a < disconnect 0x94
      a < closed`,
  }),
  mqtt5("alias 0", {
    covers: "3.3.2-8",
    script: `
      a connects
      a publish t "x" {alias=0}
      a < disconnect 0x94
      a < closed`,
  }),
  mqtt5("an alias that was never set", {
    covers: "3.3.2-12 4.13.1-1",
    script: `
      a connects
      a publish - "x" {alias=3}
      a < disconnect 0x82
      a < closed`,
  }),
  mqtt5("aliases are of one connection and one direction", {
    covers: "3.3.2-7",
    script: `
      a connects {aliasmax=10}
      b connects
      a publish t/1 "a" {alias=1}
      a quiet
      b publish - "b" {alias=1}
      b < disconnect 0x82
      b < closed`,
  }),
  mqtt5("aliases to a client, up to its maximum", {
    covers: "3.1.2-26 3.3.2-11",
    script: `
      a connects {aliasmax=2}
      a subscribes #
      b connects
      b publish t/1 "a"
      b publish t/2 "b"
      b publish t/3 "c"
      b publish t/1 "d"
      b publish t/2 "e"
      b publish t/3 "f"
      a < publish t/1 "a" {alias=$x}
      a < publish t/2 "b" {alias=$y}
      a < publish t/3 "c"
      a < publish - "d" {alias=$x}
      a < publish - "e" {alias=$y}
      a < publish t/3 "f"`,
  }),
  mqtt5("no aliases to a client that allows none", {
    covers: "3.1.2-27",
    script: `
      a connects {aliasmax=0}
      a subscribes #:1
      c connects
      c subscribes #:1
      b connects
      b publish t/1 "a"
      b publish t/1 "b"
      a < publish t/1 "a"
      a < publish t/1 "b"
      c < publish t/1 "a"
      c < publish t/1 "b"`,
  }),
];

const QUOTAS: (Case | Case[])[] = [
  mqtt5("no more than receive maximum messages are sent unacknowledged", {
    covers: "3.3.4-9 4.9.0-1 4.9.0-2 4.9.0-3 3.3.4-10",
    script: `
      a connects {receivemax=2}
      a subscribes t:2
      b connects
      b publish t "1" qos=1 id=1
      b publish t "2" qos=2 id=2
      b publish t "3" qos=1 id=3
      b publish t "4" qos=2 id=4
      b publish t "0"
      b < puback 1
      b < pubrec 2
      a < publish t "1" qos=1 id=$x
      a < publish t "2" qos=2 id=$y
      a < publish t "0"
      a quiet
      a subscribe u id=5
      a < suback 5 0
      a puback $x
      a < publish t "3" qos=1 id=$z
      a pubrec $y
      a < pubrel $y
      a quiet
      a pubcomp $y
      a < publish t "4" qos=2 id=$w
      a quiet`,
  }),
  mqtt5("a refusing PUBREC frees the quota", {
    covers: "3.3.4-9 4.9.0-2",
    script: `
      a connects {receivemax=1}
      a subscribes t:2
      b connects
      b publish t "1" qos=2 id=1
      b publish t "2" qos=1 id=2
      a < publish t "1" qos=2 id=$x
      a quiet
      a pubrec $x 0x80
      a < publish t "2" qos=1 id=*`,
  }),
  mqtt5("receive maximum counts after a reconnect too", {
    covers: "3.3.4-9 4.9.0-1 4.4.0-1",
    script: `
      a connects clean=0 {session=100 receivemax=3}
      a subscribes t:1
      b connects
      b publish t "1" qos=1 id=1
      b publish t "2" qos=1 id=2
      b publish t "3" qos=1 id=3
      a < publish t "1" qos=1 id=$x
      a < publish t "2" qos=1 id=$y
      a < publish t "3" qos=1 id=$z
      a cut
      * connections 1
      a resumes {session=100 receivemax=1}
      a < publish t "1" qos=1 id=$x dup
      a quiet
      a puback $x
      a < publish t "2" qos=1 id=$y dup
      a quiet`,
  }),
  mqtt5("a client that exceeds the server's receive maximum", {
    covers: "3.3.4-7 3.14.2-1 4.13.2-1",
    options: { limits: { receiveMaximum: 3 } },
    script: `
      a connect
      a < connack 0 0 {receivemax=3 *}
      a publish taken/x "1" qos=1 id=1
      a publish taken/x "2" qos=2 id=2
      a publish taken/x "3" qos=1 id=3
      a quiet
      a publish t "0"
      a quiet
      a publish taken/x "4" qos=1 id=4
      a < disconnect 0x93
      a < closed`,
  }),
  mqtt5("QoS 2 messages count until PUBCOMP", {
    covers: "3.3.4-7",
    options: { limits: { receiveMaximum: 2 } },
    script: `
      a connects
      a publish t "1" qos=2 id=1
      a < pubrec 1
      a publish t "2" qos=2 id=2
      a < pubrec 2
      a pubrel 1
      a < pubcomp 1
      a publish t "3" qos=2 id=3
      a < pubrec 3
      a publish t "4" qos=2 id=4
      a < disconnect 0x93
      a < closed`,
  }),
  mqtt5("the maximum packet size of a client is respected, the message counts as delivered", {
    covers: "3.1.2-24 3.1.2-25",
    script: `
      a connects {maxpacket=40}
      a subscribes t:2
      b connects
      b publish t "0" bytes=34
      b publish t "0" bytes=35
      b publish t "1" bytes=40 qos=1 id=1
      b publish t "2" bytes=40 qos=2 id=2
      b publish t "small" qos=1 id=3
      b < puback 1
      b < pubrec 2
      b < puback 3
      a < publish t "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      a < publish t "small" qos=1 id=$x
      a puback $x
      a quiet
      * queued 0`,
  }),
  mqtt5("a packet larger than the server takes", {
    covers: "3.14.2-1 4.13.2-1",
    options: { limits: { packetBytesMax: 2000, connectBytesMax: 2000 } },
    script: `
      a connect
      a < connack 0 0 {maxpacket=2000 *}
      a raw 30 d10f
      a < disconnect 0x95
      a < closed`,
  }),
];

export const PUBLISH_CASES: Case[] = [
  ...FLOWS,
  ...REFUSALS,
  ...RETAINED,
  ...PROPERTIES,
  ...ALIASES,
  ...QUOTAS,
].flat();
