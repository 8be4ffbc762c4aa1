/** Sessions: what is kept, for how long, what is sent again, over reconnect and restart. */

import { both, type Case, mqtt4, mqtt5 } from "@/tests/mqtt/script.ts";

const LIFE: (Case | Case[])[] = [
  both("a session is taken up with its subscriptions and what came meanwhile", {
    covers: "4:3.1.2-4 4:3.1.2-5 4:3.2.2-2 4:3.2.2-3 4:3.1.4-3 4:4.1.0-1 4:4.5.0-1 " +
      "5:3.1.2-5 5:3.1.2-6 5:3.1.2-23 5:3.1.4-4 5:3.2.2-3 5:4.5.0-1",
    script: `
      a connects clean=0 {session=100}
      a subscribes t/+:2
      a disconnect
      a < closed
      b connects
      b publish t/0 "zero"
      b publish t/1 "one" qos=1 id=5
      b < puback 5
      b publish t/2 "two" qos=2 id=6
      b < pubrec 6
      b pubrel 6
      b < pubcomp 6
      a resumes {session=100}
      a < publish t/1 "one" qos=1 id=$x
      a < publish t/2 "two" qos=2 id=$y
      a puback $x
      a pubrec $y
      a < pubrel $y
      a pubcomp $y
      a quiet
      b publish t/9 "live"
      a < publish t/9 "live"`,
  }),
  both("the same over a restart of the server", {
    covers: "4:3.1.2-4 4:3.1.2-5 4:4.1.0-1 5:3.1.2-5 5:3.1.2-23",
    script: `
      a connects clean=0 {session=100}
      a subscribes t/+:2
      b connects
      a disconnect
      a < closed
      b publish t/1 "one" qos=1 id=5
      b < puback 5
      * restart
      a resumes {session=100}
      a < publish t/1 "one" qos=1 id=$x
      a puback $x
      a quiet
      b connects
      b publish t/9 "live"
      a < publish t/9 "live"`,
  }),
  mqtt4("clean session drops what was, and leaves nothing behind", {
    covers: "3.1.2-6 3.1.4-3 3.2.2-1 3.2.2-3",
    script: `
      a connects clean=0
      a subscribes t:1
      a disconnect
      a < closed
      b connects
      b publish t "old" qos=1
      b < puback 1
      a connects clean=1
      b publish t "new" qos=1
      b < puback 1
      a quiet
      a disconnect
      a < closed
      a connects clean=0
      a quiet`,
  }),
  mqtt5("clean start drops what was", {
    covers: "3.1.2-4 3.1.4-4 3.2.2-2",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:1
      a disconnect
      a < closed
      b connects
      b publish t "old" qos=1
      b < puback 1
      a connects clean=1 {session=100}
      b publish t "new" qos=1
      b < puback 1 0x10
      a quiet
      * queued 0`,
  }),
  mqtt5("clean start with a session to keep", {
    covers: "3.1.2-4 3.1.2-23 3.2.2-2 3.2.2-3",
    script: `
      a connects clean=1 {session=100}
      a subscribes t:1
      a disconnect
      a < closed
      a resumes
      b connects
      b publish t "x"
      a < publish t "x"`,
  }),
  mqtt5("a session without expiry ends with its connection", {
    covers: "3.1.2-23 4.1.0-2 3.2.2-3",
    script: `
      a connects clean=0
      a subscribes t:1
      a disconnect
      a < closed
      * sessions 0
      a connects clean=0
      a quiet`,
  }),
  mqtt5("a session ends when its time after the connection is over, not before", {
    covers: "4.1.0-2 3.1.2-23",
    script: `
      a connects clean=0 {session=10}
      a disconnect
      a < closed
      * advance 9
      a resumes {session=10}
      * advance 100
      a quiet
      a disconnect
      a < closed
      * advance 11
      * sessions 0
      a connects clean=0 {session=10}`,
  }),
  mqtt5("expiry goes on over a restart", {
    covers: "4.1.0-2",
    script: `
      a connects clean=0 {session=60}
      b connects clean=0 {session=600}
      a disconnect
      b disconnect
      a < closed
      b < closed
      * advance 30
      * restart
      * advance 61
      * sessions 1
      a connects clean=0
      b resumes`,
  }),
  mqtt5("a session whose connection a kill has ended expires in spite of further kills", {
    covers: "4.1.0-2",
    script: `
      a connects clean=0 {session=100}
      * restart
      * advance 60
      * restart
      * advance 60
      * sessions 0`,
  }),
  mqtt5("0xFFFFFFFF is granted up to the limit, and told", {
    covers: "3.1.2-23 3.2.2-8",
    options: { limits: { sessionExpirySecondsMax: 1000 } },
    script: `
      a connect clean=0 {session=4294967295}
      a < connack 0 0 {session=1000 *}
      b connect clean=0 {session=999}
      b < connack 0 0 {receivemax=* aliasmax=* maxpacket=*}`,
  }),
  mqtt5("DISCONNECT changes the expiry", {
    covers: "3.1.2-23 4.1.0-2",
    script: `
      a connects clean=0 {session=100}
      a disconnect 0 {session=0}
      a < closed
      * sessions 0
      b connects clean=0 {session=10}
      b disconnect 0 {session=100}
      b < closed
      * advance 50
      b resumes`,
  }),
  mqtt5("DISCONNECT cannot give an expiry to a session that was to end", {
    covers: "4.13.1-1",
    script: `
      a connects
      a disconnect 0 {session=10}
      a < disconnect 0x82
      a < closed`,
  }),
  both("the state stays while the connection is open", {
    covers: "4:4.1.0-1 4:4.1.0-2 5:4.1.0-1",
    script: `
      a connects {session=1}
      a subscribes t
      * advance 100000
      b connects
      b publish t "x"
      a < publish t "x"`,
  }),
  both("retained messages outlive the session of their publisher", {
    covers: "4:3.1.2-7",
    script: `
      a connects
      a publish t "kept" qos=1 retain
      a < puback 1 ?
      a disconnect
      a < closed
      b connects
      b subscribes t
      b < publish t "kept" retain`,
  }),
  both("a session goes from one version to another", {
    covers: "4:3.1.2-4 5:3.1.2-5",
    script: `
      a connects v=4 clean=0
      a subscribes t:1
      a disconnect
      a < closed
      b connects
      b publish t "x" qos=1
      b < puback 1
      a resumes v=5 {session=100}
      a < publish t "x" qos=1 id=$x
      a puback $x
      a disconnect
      a < closed
      b publish t "y" qos=1
      b < puback 1
      a resumes v=4
      a < publish t "y" qos=1 id=$y`,
  }),
  both("a store that fails ends the connection that needs it", {
    covers: "4:4.8.0-2",
    script: `
      a connects clean=0 {session=100}
      b connects
      * fail
      a publish t "x" qos=2 id=3
      * connections 1
      b quiet`,
  }),
];

const REPETITION: (Case | Case[])[] = [
  both("unacknowledged messages go out again, in order, with DUP and their identifiers", {
    covers: "3.3.1-1 4.4.0-1 4.6.0-1 4:2.3.1-4 4:4.3.2-1 4:4.3.3-1 " +
      "5:4.3.2-3 5:4.3.3-3 5:2.2.1-4",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2
      b connects
      b publish t "1" qos=1 id=1
      b publish t "2" qos=2 id=2
      b publish t "3" qos=1 id=3
      a < publish t "1" qos=1 id=$x
      a < publish t "2" qos=2 id=$y
      a < publish t "3" qos=1 id=$z
      a cut
      * connections 1
      a resumes {session=100}
      a < publish t "1" qos=1 id=$x dup
      a < publish t "2" qos=2 id=$y dup
      a < publish t "3" qos=1 id=$z dup
      a puback $x
      a pubrec $y
      a < pubrel $y
      a pubcomp $y
      a puback $z
      a quiet
      * queued 0`,
  }),
  both("and after a restart of the server", {
    covers: "3.3.1-1 4.4.0-1",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2
      b connects
      b publish t "1" qos=1 id=1
      b < puback 1
      b publish t "2" qos=2 id=2
      b < pubrec 2
      a < publish t "1" qos=1 id=$x
      a < publish t "2" qos=2 id=$y
      * restart
      a resumes {session=100}
      a < publish t "1" qos=1 id=$x dup
      a < publish t "2" qos=2 id=$y dup`,
  }),
  both("after PUBREC only PUBREL is repeated", {
    covers: "4.4.0-1 4:4.3.3-1 5:4.3.3-5 5:4.3.3-6",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2
      b connects
      b publish t "2" qos=2 id=2
      a < publish t "2" qos=2 id=$y
      a pubrec $y
      a < pubrel $y
      a cut
      * connections 1
      a resumes {session=100}
      a < pubrel $y
      a pubcomp $y
      a quiet
      * queued 0`,
  }),
  both("after PUBREC only PUBREL is repeated, over a restart", {
    covers: "4.4.0-1 4:4.3.3-1 5:4.3.3-6",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2
      b connects
      b publish t "2" qos=2 id=2
      a < publish t "2" qos=2 id=$y
      a pubrec $y
      a < pubrel $y
      * restart
      a resumes {session=100}
      a < pubrel $y
      a pubcomp $y
      a quiet`,
  }),
  both("nothing is repeated while the connection lasts", {
    covers: "4.4.0-1",
    script: `
      a connects
      a subscribes t:2
      b connects
      b publish t "1" qos=1 id=1
      b publish t "2" qos=2 id=2
      a < publish t "1" qos=1 id=*
      a < publish t "2" qos=2 id=*
      * advance 100000
      a quiet`,
  }),
  both("what was acknowledged is not repeated", {
    covers: "4.4.0-1 4:2.3.1-3 4:4.3.2-1 5:4.3.2-3",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:1
      b connects
      b publish t "1" qos=1
      a < publish t "1" qos=1 id=$x
      a puback $x
      a quiet
      a cut
      * connections 1
      a resumes {session=100}
      a quiet`,
  }),
  mqtt5("a refusal by the client counts as acknowledged", {
    covers: "4.4.0-2",
    script: `
      a connects clean=0 {session=100}
      a subscribes t:2
      b connects
      b publish t "1" qos=1 id=1
      b publish t "2" qos=2 id=2
      a < publish t "1" qos=1 id=$x
      a < publish t "2" qos=2 id=$y
      a puback $x 0x80
      a pubrec $y 0x97
      a quiet
      * queued 0
      a cut
      * connections 1
      a resumes {session=100}
      a quiet`,
  }),
  both("a QoS 2 message repeated on a new connection is taken once", {
    covers: "4:4.3.3-2 5:4.3.3-10 4.4.0-1",
    script: `
      w connects
      w subscribes t:2
      a connects clean=0 {session=100}
      a publish t "once" qos=2 id=7
      a < pubrec 7
      w < publish t "once" qos=2 id=$x
      a cut
      * connections 1
      a resumes {session=100}
      a publish t "once" qos=2 id=7 dup
      a < pubrec 7
      a pubrel 7
      a < pubcomp 7
      w quiet
      a publish t "next" qos=2 id=7
      a < pubrec 7
      w < publish t "next" qos=2 id=*
      * handed 2`,
  }),
  both("a QoS 2 message repeated after a restart is taken once", {
    covers: "4:4.3.3-2 5:4.3.3-10",
    script: `
      a connects clean=0 {session=100}
      a publish t "once" qos=2 id=7
      a < pubrec 7
      * restart
      a resumes {session=100}
      a publish t "once" qos=2 id=7 dup
      a < pubrec 7
      a pubrel 7
      a < pubcomp 7
      * handed 1`,
  }),
  both("a PUBREL repeated after a restart is completed", {
    covers: "4:4.3.3-2 5:4.3.3-11",
    script: `
      a connects clean=0 {session=100}
      a publish t "once" qos=2 id=7
      a < pubrec 7
      * restart
      a resumes {session=100}
      a pubrel 7
      a < pubcomp 7
      a quiet`,
  }),
  mqtt5("topic aliases do not outlive their connection", {
    covers: "3.3.2-7",
    script: `
      a connects clean=0 {session=100}
      a publish t "x" {alias=1}
      a publish - "y" {alias=1}
      a quiet
      * handed 2
      a cut
      * connections 0
      a resumes {session=100}
      a publish - "z" {alias=1}
      a < disconnect 0x82
      a < closed
      * handed 2`,
  }),
];

export const SESSION_CASES: Case[] = [...LIFE, ...REPETITION].flat();
