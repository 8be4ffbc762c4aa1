/** Wills: when, how, and with what. */

import { both, type Case, mqtt4, mqtt5 } from "@/tests/mqtt/script.ts";

export const WILL_CASES: Case[] = [
  both("a will is published when the connection is lost", {
    covers: "4:3.1.2-8 4:3.1.2-9 5:3.1.2-7 5:3.1.2-8",
    script: `
      w connects
      w subscribes will/+:2
      a connects will=will/a willpayload=lost
      a cut
      w < publish will/a "lost"
      w quiet`,
  }),
  both("a will is published when the client breaks the protocol", {
    covers: "4:3.1.2-8 5:3.1.2-8",
    script: `
      w connects
      w subscribes will/+:2
      a connects will=will/a willpayload=lost
      a raw 00 00
      w < publish will/a "lost"`,
  }),
  both("a will is published when another connection takes over", {
    covers: "4:3.1.2-8 5:3.1.2-8",
    script: `
      w connects
      w subscribes will/+
      a connects id=same will=will/a
      b connects id=same
      w < publish will/a "gone"`,
  }),
  both("no will after DISCONNECT", {
    covers: "3.1.2-10 3.14.4-3 4:3.1.2-8",
    script: `
      w connects
      w subscribes will/+
      a connects will=will/a
      a disconnect
      a < closed
      * connections 1
      * advance 100
      w quiet`,
  }),
  mqtt5("DISCONNECT 0x04 wants the will", {
    covers: "3.1.2-8",
    script: `
      w connects
      w subscribes will/+
      a connects will=will/a
      a disconnect 4
      w < publish will/a "gone"
      a < closed`,
  }),
  mqtt5("a DISCONNECT with an error leaves the will", {
    covers: "3.1.2-8 3.1.2-10",
    script: `
      w connects
      w subscribes will/+
      a connects will=will/a
      a disconnect 0x80
      w < publish will/a "gone"`,
  }),
  both("a will is published once", {
    covers: "3.1.2-10",
    script: `
      w connects
      w subscribes will/+
      a connects clean=0 will=will/a {session=100}
      a cut
      w < publish will/a "gone"
      a resumes {session=100}
      a cut
      * connections 1
      w quiet`,
  }),
  both("no will flag, no will", {
    covers: "4:3.1.2-12",
    script: `
      w connects
      w subscribes #
      a connects
      a cut
      * connections 1
      w quiet`,
  }),
  ...[0, 1, 2].map((qos) =>
    both(`a will of QoS ${qos} is published at that QoS`, {
      covers: "4:3.1.2-9 4:3.1.2-14 5:3.1.2-9 5:3.1.2-12",
      script: `
        w connects
        w subscribes will/a:2
        a connects will=will/a willqos=${qos}
        a cut
        w < publish will/a "gone"${qos === 0 ? "" : ` qos=${qos} id=*`}`,
    })
  ),
  both("a will without retain is not retained", {
    covers: "4:3.1.2-16 5:3.1.2-14",
    script: `
      w connects
      w subscribes will/a
      a connects will=will/a
      a cut
      w < publish will/a "gone"
      b connects
      b subscribes will/a
      b quiet
      * retained 0`,
  }),
  both("a will with retain is retained", {
    covers: "4:3.1.2-17 5:3.1.2-15",
    script: `
      w connects
      w subscribes will/a
      a connects will=will/a willretain=1
      a cut
      w < publish will/a "gone"
      b connects
      b subscribes will/a
      b < publish will/a "gone" retain`,
  }),
  both("an empty retained will removes what is retained", {
    covers: "4:3.1.2-17 4:3.3.1-10 5:3.1.2-15 5:3.3.1-6",
    script: `
      a connects
      a publish will/a "status" retain
      a quiet
      b connects will=will/a willpayload= willretain=1
      b cut
      * retained 0`,
  }),
  mqtt5("a will waits for its delay", {
    covers: "3.1.2-8 3.1.2-7",
    script: `
      w connects
      w subscribes will/+
      a connects clean=0 will=will/a will{delay=10} {session=100}
      a cut
      * connections 1
      * advance 9
      w quiet
      * advance 2
      w < publish will/a "gone"
      * advance 100
      w quiet`,
  }),
  mqtt5("a will does not wait longer than the session", {
    covers: "3.1.2-8",
    script: `
      w connects
      w subscribes will/+
      a connects clean=0 will=will/a will{delay=100} {session=10}
      a cut
      * connections 1
      * advance 9
      w quiet
      * advance 2
      w < publish will/a "gone"
      b connects will=will/b will{delay=100}
      b cut
      w < publish will/b "gone"`,
  }),
  mqtt5("a new connection within the delay prevents the will", {
    covers: "3.1.3-9 3.1.2-8",
    script: `
      w connects
      w subscribes will/+
      a connects clean=0 will=will/a will{delay=10} {session=100}
      a cut
      * connections 1
      * advance 5
      a resumes {session=100}
      * advance 100
      w quiet
      a cut
      * connections 1
      * advance 100
      w quiet`,
  }),
  mqtt5("a new connection with clean start ends the session and so sends the will", {
    covers: "3.1.2-8 3.1.2-4",
    script: `
      w connects
      w subscribes will/+
      a connects clean=0 will=will/a will{delay=10} {session=100}
      a cut
      * connections 1
      a connects clean=1
      w < publish will/a "gone"
      * advance 100
      w quiet`,
  }),
  mqtt5("taking over within the delay prevents the will of the older connection", {
    covers: "3.1.3-9",
    script: `
      w connects
      w subscribes will/+
      a connects id=same clean=0 will=will/a will{delay=10} {session=100}
      b resumes id=same {session=100}
      * advance 100
      w quiet`,
  }),
  mqtt5("the will's properties go with it, user properties in order", {
    covers: "3.1.3-10 3.1.2-9",
    script: `
      w connects
      w subscribes will/+
      a connects will=will/a will{format=1 content=c response=r user=b:1 user=a:2 user=b:3}
      a cut
      w < publish will/a "gone" {format=1 content=c response=r user=b:1 user=a:2 user=b:3}`,
  }),
  mqtt5("the expiry of a will counts from its publication", {
    covers: "3.1.2-8 3.3.2-6",
    script: `
      w connects
      w subscribes will/+
      a connects clean=0 will=will/a will{delay=20 expiry=10} {session=100}
      a cut
      * connections 1
      * advance 20
      w < publish will/a "gone" {expiry=10}`,
  }),
  mqtt5("a will is kept with the session over a restart", {
    covers: "3.1.2-7 3.1.2-8",
    script: `
      a connects clean=0 will=will/a will{delay=10} {session=100}
      * restart
      w connects
      w subscribes will/+
      * advance 9
      w quiet
      * advance 2
      w < publish will/a "gone"`,
  }),
  mqtt4("a will that is not permitted refuses the CONNECT", {
    covers: "3.2.2-4 3.2.2-5",
    script: `
      a connect will=nowill/a
      a < connack 0 5
      a < closed`,
  }),
  mqtt5("a will that is not permitted refuses the CONNECT", {
    covers: "3.1.4-2 3.2.2-7",
    script: `
      a connect will=nowill/a
      a < connack 0 0x87 {reason=*}
      a < closed`,
  }),
  ...["will/+", "#", ""].map((topic) =>
    both(`will topic "${topic}"`, {
      covers: "4:4.7.1-1 5:4.7.0-1 4.7.3-1 4:3.1.4-1 5:3.1.4-1",
      script: `
        a connect will=${topic}
        * connections 0
        b connects
        b quiet`,
    })
  ),
].flat();
