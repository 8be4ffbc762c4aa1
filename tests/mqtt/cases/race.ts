/** What happens in between: before a commit, before the product has answered, across take-overs. */

import { both, type Case, mqtt4, mqtt5 } from "@/tests/mqtt/script.ts";

const WAITING: (Case | Case[])[] = [
  both("a QoS 2 message that the product has not answered, repeated on a new connection", {
    covers: "4:4.3.3-2 5:4.3.3-10 5:4.3.3-8",
    script: `
      a connects clean=0 {session=100}
      a publish taken/x "once" qos=2 id=7
      * handed 1
      a cut
      * connections 0
      a resumes {session=100}
      a publish taken/x "once" qos=2 id=7 dup
      a quiet
      * accept
      a < pubrec 7
      a pubrel 7
      a < pubcomp 7
      a quiet
      * handed 1`,
  }),
  both("its answer comes while the client is away, the repetition later", {
    covers: "4:4.3.3-2 5:4.3.3-10",
    script: `
      a connects clean=0 {session=100}
      a publish taken/x "once" qos=2 id=7
      * handed 1
      a cut
      * connections 0
      * accept
      a resumes {session=100}
      a publish taken/x "once" qos=2 id=7 dup
      a < pubrec 7
      a pubrel 7
      a < pubcomp 7
      * handed 1`,
  }),
  both("the same over a restart before the answer: it was never taken", {
    covers: "4:4.3.3-2 5:4.3.3-8",
    script: `
      a connects clean=0 {session=100}
      a publish taken/x "once" qos=2 id=7
      * handed 1
      * restart
      a resumes {session=100}
      a publish t/x "once" qos=2 id=7 dup
      a < pubrec 7
      * handed 2`,
  }),
  both("a QoS 1 message that was not answered is repeated as a new one", {
    covers: "4:4.3.2-2 5:4.3.2-4",
    script: `
      a connects clean=0 {session=100}
      a publish taken/x "1" qos=1 id=7
      * handed 1
      a cut
      * connections 0
      a resumes {session=100}
      a publish taken/x "1" qos=1 id=7 dup
      * handed 2
      * accept
      a quiet
      * accept
      a < puback 7
      a quiet`,
  }),
  both("what was published right before DISCONNECT is delivered", {
    covers: "4.5.0-1",
    script: `
      w connects
      w subscribes #:2
      a connects
      4| a raw 32 L "t/1" 0007 'one' ; 34 L "t/2" 0008 'two' ; 30 L "t/0" 'zero' ; e000
      5| a raw 32 L "t/1" 0007 00 'one' ; 34 L "t/2" 0008 00 'two' ; 30 L "t/0" 00 'zero' ; e000
      w < publish t/1 "one" qos=1 id=*
      w < publish t/2 "two" qos=2 id=*
      w < publish t/0 "zero"`,
  }),
  both("and what the product takes after the publisher has left", {
    covers: "4.5.0-1",
    script: `
      w connects
      w subscribes #:2
      a connects
      a publish taken/x "late" qos=1 id=7
      * handed 1
      a disconnect
      a < closed
      * accept
      w < publish taken/x "late" qos=1 id=*`,
  }),
  both("a will passes the product", {
    covers: "4:3.1.2-8 5:3.1.2-8",
    script: `
      w connects
      w subscribes #:2
      a connects will=taken/x willpayload=bye willqos=1
      a cut
      * handed 1
      w quiet
      * accept
      w < publish taken/x "bye" qos=1 id=*`,
  }),
  both("a retained message that is not committed is not retained", {
    covers: "3.3.1-5",
    script: `
      a connects
      a publish taken/r "x" qos=1 id=7 retain
      * handed 1
      * retained 0
      b connects
      b subscribes taken/r
      b quiet
      * accept
      a < puback 7
      b < publish taken/r "x"
      * retained 1`,
  }),
  both("SUBACK follows the commit, and so does what it lets through", {
    covers: "3.8.4-1",
    script: `
      a connects clean=0 {session=100}
      b connects
      * hold
      a subscribe t:1
      a quiet
      * release
      a < suback 1 1
      b publish t "x" qos=1
      a < publish t "x" qos=1 id=*`,
  }),
  both("CONNACK follows the commit of a session that is kept", {
    covers: "4:3.2.0-1 5:3.2.0-1",
    script: `
      b connects
      * hold
      a connect clean=0 {session=100}
      b quiet
      * connections 1
      * release
      a < connack 0 0
      a quiet`,
  }),
  both("a take-over of a connection that waits for its CONNACK", {
    covers: "4:3.1.4-2 5:3.1.4-3",
    script: `
      * hold
      a connect id=same clean=0 {session=100}
      * sessions 1
      b connect id=same clean=0 {session=100}
      4| a < connack 0 3
      5| a < connack 0 0x80
      a < closed
      * release
      b < connack 1 0
      b quiet
      * connections 1`,
  }),
];

const EXPIRY: (Case | Case[])[] = [
  mqtt5("a kept session that is taken up to end with its connection is not kept over a restart", {
    covers: "3.1.2-23 4.1.0-2",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:1
      a disconnect
      a < closed
      a resumes {session=0}
      a quiet
      * restart
      a connects clean=0`,
  }),
  mqtt5("a session that is made to last gets what it had committed", {
    covers: "3.1.2-23 3.1.2-5",
    script: `
      a connects clean=0 {session=0}
      a subscribes t:1
      b connects id=a clean=0 {session=100}
      b quiet
      * restart
      b resumes id=a
      * subscriptions 0`,
  }),
  mqtt5("the wire's 0xFFFFFFFF in DISCONNECT", {
    covers: "3.1.2-23 3.14.2-1",
    script: `
      a connects clean=0 {session=10}
      a disconnect 0 {session=4294967295}
      a < closed
      * advance 100000
      a resumes`,
  }),
  mqtt5("an expiry of 0 reaches who is there, not who comes later", {
    covers: "3.3.2-5 3.3.2-6",
    script: `
      a connects
      a subscribes t:1
      b connects clean=0 {session=100}
      b subscribes t:1
      b disconnect
      b < closed
      p connects
      p publish t "x" qos=1 {expiry=0}
      p < puback 1
      a < publish t "x" qos=1 id=* {expiry=0}
      * advance 1
      b resumes
      b quiet`,
  }),
];

const VERSION_3: (Case | Case[])[] = [
  mqtt4("3.1 connects, publishes, subscribes; no session present", {
    covers: "7.0.0-2",
    script: `
      a connects v=3 clean=0
      a subscribes t:2
      a disconnect
      a < closed
      b connects
      b publish t "kept" qos=1
      b < puback 1
      a connects v=3 clean=0
      a < publish t "kept" qos=1 id=$x
      a puback $x
      a publish u "x" qos=2 id=9
      a < pubrec 9
      a pubrel 9
      a < pubcomp 9
      a quiet`,
  }),
  mqtt4("3.1 may set DUP in SUBSCRIBE, UNSUBSCRIBE and PUBREL", {
    covers: "7.0.0-2",
    script: `
      a connects v=3
      a raw 8a L 0001 "t" 01
      a < suback 1 1
      a raw aa L 0002 "t"
      a < unsuback 2
      a publish t "x" qos=2 id=9
      a < pubrec 9
      a raw 6a L 0009
      a < pubcomp 9`,
  }),
  mqtt4("3.1 without client identifier", {
    covers: "3.1.3-9",
    script: `
      a connect v=3 id=
      a < connack 0 2
      a < closed`,
  }),
];

const EDGES: (Case | Case[])[] = [
  mqtt5("a retained message that is too large is left out, the others come", {
    covers: "3.1.2-24 3.1.2-25 3.3.1-9",
    script: `
      b connects
      b publish r/1 "small" qos=1 id=1 retain
      b publish r/2 "x" bytes=100 qos=1 id=2 retain
      b publish r/3 "small" qos=1 id=3 retain
      b < puback 1 0x10
      b < puback 2 0x10
      b < puback 3 0x10
      a connects {maxpacket=40}
      a subscribes r/+:1
      a < publish r/1 "small" qos=1 id=$x retain
      a < publish r/3 "small" qos=1 id=$y retain
      a puback $x
      a puback $y
      a quiet
      * queued 0`,
  }),
  mqtt5("an alias that was in a packet too large is not used later", {
    covers: "3.1.2-24 3.1.2-26",
    script: `
      a connects {maxpacket=40 aliasmax=5}
      a subscribes t
      b connects
      b publish t "x" bytes=100
      b publish t "small"
      b publish t "again"
      a < publish t "small" {alias=$n}
      a < publish - "again" {alias=$n}`,
  }),
  mqtt5("an alias that would make a packet too large is left out", {
    covers: "3.1.2-24",
    script: `
      a connects {maxpacket=25 aliasmax=5}
      a subscribes t
      b connects
      b publish t "0" bytes=20
      b publish t "0" bytes=19
      b publish t "0" bytes=16
      a < publish t "xxxxxxxxxxxxxxxxxxx"
      a < publish t "xxxxxxxxxxxxxxxx" {alias=1}
      a quiet`,
  }),
  mqtt5("what a member that unsubscribes was not sent goes to another", {
    covers: "4.8.2-2 3.10.4-3",
    script: `
      a connects {receivemax=1}
      a subscribes $share/g/t:1
      p connects
      p publish t "1" qos=1 id=1
      p publish t "2" qos=1 id=2
      a < publish t "1" qos=1 id=$x
      a unsubscribe $share/g/t
      a < unsuback 1 0
      a puback $x
      a < publish t "2" qos=1 id=$y
      a puback $y
      a quiet`,
  }),
  both("acknowledgements in another order than the messages", {
    covers: "4:4.3.2-1 5:4.3.2-3 4.4.0-1",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:1
      b connects
      b publish t "1" qos=1 id=1
      b publish t "2" qos=1 id=2
      b publish t "3" qos=1 id=3
      a < publish t "1" qos=1 id=$x
      a < publish t "2" qos=1 id=$y
      a < publish t "3" qos=1 id=$z
      a puback $z
      a puback $x
      a quiet
      a cut
      * connections 1
      a resumes {session=100}
      a < publish t "2" qos=1 id=$y dup
      a quiet`,
  }),
  both("the boundary of one and a half keep alives", {
    covers: "4:3.1.2-24 5:3.1.2-22",
    script: `
      a connects keep=2
      * advance 3
      a quiet
      * advance 4
      5| a < disconnect 0x8d
      a < closed`,
  }),
  both("an acknowledgement of an earlier connection comes before the repetition", {
    covers: "4:4.3.2-1 5:4.3.2-3",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:1
      b connects
      b publish t "1" qos=1 id=1
      a < publish t "1" qos=1 id=$x
      a cut
      * connections 1
      a resumes {session=100}
      a puback $x
      a < publish t "1" qos=1 id=$x dup
      a quiet
      * queued 0`,
  }),
];

export const RACE_CASES: Case[] = [...WAITING, ...EXPIRY, ...EDGES, ...VERSION_3].flat();
