/** CONNECT and CONNACK: format, identity, refusal, keep alive. */

import { both, type Case, mqtt4, mqtt5 } from "@/tests/mqtt/script.ts";

/** Those of one specification. */
function only(spec: "4" | "5", covers: string): string {
  return covers.split(" ").filter((cover) => cover.startsWith(`${spec}:`)).join(" ");
}

const FIRST_PACKET: (Case | Case[])[] = [
  ...["ping", "publish t", "subscribe t", "disconnect", "puback 1"].map((packet) =>
    both(`${packet} instead of CONNECT`, {
      covers: "3.1.0-1",
      script: `
        a dial
        a ${packet}
        a < closed`,
    })
  ),
  mqtt5("a second CONNECT is told 0x82", {
    covers: "3.1.0-2 4.13.1-1 4.13.2-1 3.14.2-1 3.14.4-2",
    script: `
      a connects
      a connect
      a < disconnect 0x82
      a < closed`,
  }),
  mqtt4("a second CONNECT ends the connection without a word", {
    covers: "3.1.0-2 4.8.0-1",
    script: `
      a connects
      a connect
      a < closed`,
  }),
];

const PROTOCOL: (Case | Case[])[] = [
  mqtt4("another protocol name", {
    covers: "3.1.2-1 3.1.4-1",
    script: `
      a dial
      a raw 10 L "AMQP" 04 02 0000 "a"
      a < closed`,
  }),
  mqtt4("a protocol name in other case", {
    covers: "3.1.2-1",
    script: `
      a dial
      a raw 10 L "mqtt" 04 02 0000 "a"
      a < closed`,
  }),
  mqtt4("level 6 gets return code 1", {
    covers: "3.1.2-2 3.2.2-4 3.2.2-5",
    script: `
      a dial
      a raw 10 L "MQTT" 06 02 0000 "a"
      a < connack 0 1
      a < closed`,
  }),
  mqtt4("level 3 under the name MQTT gets return code 1", {
    covers: "3.1.2-2",
    script: `
      a dial
      a raw 10 L "MQTT" 03 02 0000 "a"
      a < connack 0 1
      a < closed`,
  }),
  mqtt5("another protocol name", {
    covers: "3.1.2-1",
    script: `
      a dial
      a raw 10 L "MQTTX" 05 02 0000 00 "a"
      a < closed`,
  }),
  ...["00", "02", "06", "7f"].map((level) =>
    mqtt4(`protocol version 0x${level} with the properties of 5.0`, {
      covers: "3.1.2-2 5:3.1.2-2 5:4.13.2-1",
      script: `
        a dial
        a raw 10 L "MQTT" ${level} 02 0000 00 "a"
        a < connack 0 1
        a < closed`,
    })
  ),
  mqtt4("the reserved connect flag", {
    covers: "3.1.2-3 2.2.2-1 3.1.4-1",
    script: `
      a dial
      a raw 10 L "MQTT" 04 03 0000 "a"
      a < closed`,
  }),
  mqtt5("the reserved connect flag", {
    covers: "3.1.2-3 2.1.3-1 3.1.4-1",
    script: `
      a dial
      a raw 10 L "MQTT" 05 03 0000 00 "a"
      a < connack 0 0x81
      a < closed`,
  }),
  mqtt4("reserved bits in the first byte of CONNECT", {
    covers: "2.2.2-1 2.2.2-2",
    script: `
      a dial
      a raw 12 L "MQTT" 04 02 0000 "a"
      a < closed`,
  }),
  mqtt5("CONNACK is the first and only one, with flags 0", {
    covers: "3.2.0-1 3.2.0-2 3.2.2-1 3.2.2-2 3.1.4-5 4.2-1",
    script: `
      a connects
      a ping
      a < pingresp
      a quiet`,
  }),
  mqtt4("CONNACK is the first packet", {
    covers: "3.2.0-1 3.1.4-4 3.2.2-1 7.1.1-1 7.0.0-2",
    script: `
      a connects
      a quiet`,
  }),
];

const FLAGS: (Case | Case[])[] = [
  ["06", '"a" "t"', "a will without payload", "4:3.1.2-9 5:3.1.2-9"],
  ["06", '"a"', "a will flag without topic and payload", "4:3.1.2-9 5:3.1.2-9"],
  ["0a", '"a"', "will QoS 1 without will", "4:3.1.2-11 4:3.1.2-13 5:3.1.2-11"],
  ["12", '"a"', "will QoS 2 without will", "4:3.1.2-11 4:3.1.2-13 5:3.1.2-11"],
  ["22", '"a"', "will retain without will", "4:3.1.2-11 4:3.1.2-15 5:3.1.2-13"],
  ["1e", '"a" W "t" "m"', "will QoS 3", "4:3.1.2-14 5:3.1.2-12"],
  ["02", '"a" "t" "m"', "will fields without will", "4:3.1.2-11 5:3.1.4-1"],
  ["02", '"a" "u"', "a user name without its flag", "4:3.1.2-18 5:3.1.2-16"],
  ["82", '"a"', "no user name in spite of its flag", "4:3.1.2-19 5:3.1.2-17"],
  ["82", '"a" "u" "p"', "a password without its flag", "4:3.1.2-20 5:3.1.2-18"],
  ["c2", '"a" "u"', "no password in spite of its flag", "4:3.1.2-21 5:3.1.2-19"],
  ["02", "", "no client identifier", "4:3.1.3-3 5:3.1.3-3"],
  ["c2", '"a" "p" "u" "x"', "one field too many", "4:3.1.3-1 5:3.1.3-1"],
].flatMap(([flags, fields, name, covers]) => [
  mqtt4(name!, {
    covers: `${only("4", covers!)} 3.2.2-6`,
    script: `
      a dial
      a raw 10 L "MQTT" 04 ${flags} 0000 ${fields!.replace("W ", "")}
      a < closed`,
  }),
  mqtt5(name!, {
    covers: only("5", covers!),
    script: `
      a dial
      a raw 10 L "MQTT" 05 ${flags} 0000 00 ${fields!.replace("W ", "00 ")}
      a < connack 0 0x81
      a < closed`,
  }),
]);

const FIELDS: (Case | Case[])[] = [
  mqtt4("a password without user name", {
    covers: "3.1.2-22",
    script: `
      a dial
      a raw 10 L "MQTT" 04 42 0000 "a" "p"
      a < closed`,
  }),
  mqtt5("a password alone is allowed", {
    covers: "3.1.2-19",
    script: `
      a connects pass=secret
      a quiet`,
  }),
  both("all fields in their order", {
    covers: "3.1.3-1 3.1.3-2 3.1.3-3 4:3.1.2-9 5:3.1.2-9 " +
      "4:3.1.2-19 5:3.1.2-17 4:3.1.2-21 5:3.1.2-19",
    script: `
      w connects
      w subscribes will/t
      a connects user=u pass=p will=will/t willpayload=m
      a cut
      w < publish will/t "m"`,
  }),
  ...["user name", "client identifier", "will topic"].flatMap((what) => {
    const flags = { "user name": "82", "client identifier": "02", "will topic": "06" }[what]!;
    const fields = {
      "user name": '"a" 0002 c328',
      "client identifier": "0002 c328",
      "will topic": '"a" W 0002 c328 "m"',
    }[what]!;
    const covers4 = { "user name": "3.1.3-11", "client identifier": "3.1.3-4" }[what] ?? "3.1.3-10";
    const covers5 = { "user name": "3.1.3-12", "client identifier": "3.1.3-4" }[what] ?? "3.1.3-11";
    return [
      mqtt4(`${what} that is not UTF-8`, {
        covers: `${covers4} 1.4.0-1 3.1.4-1 ${what === "client identifier" ? "3.1.3-9" : ""}`,
        script: `
          a dial
          a raw 10 L "MQTT" 04 ${flags} 0000 ${fields.replace("W ", "")}
          ${what === "client identifier" ? "a < connack 0 2" : "# no CONNACK"}
          a < closed`,
      }),
      mqtt5(`${what} that is not UTF-8`, {
        covers: `${covers5} 1.5.4-1 3.1.4-1 ${what === "client identifier" ? "3.1.3-8" : ""}`,
        script: `
          a dial
          a raw 10 L "MQTT" 05 ${flags} 0000 00 ${fields.replace("W ", "00 ")}
          a < connack 0 ${what === "client identifier" ? "0x85" : "0x81"}
          a < closed`,
      }),
    ];
  }),
  both("client identifiers of 1 and 23 letters and digits", {
    covers: "3.1.3-5",
    script: `
      a connects id=0
      b connects id=abcdefghijklmnopqrstuvw
      c connects id=ABCDEFGHIJKLMNOPQRSTUVW
      d connects id=XYZxyz0123456789
      a quiet
      * connections 4`,
  }),
  both("a long client identifier with other characters", {
    covers: "3.1.3-2",
    script: `
      a connects id=ein-längerer/Name+mit#allem/0123456789-0123456789 clean=0 {session=60}
      a disconnect
      a < closed
      b resumes id=ein-längerer/Name+mit#allem/0123456789-0123456789 {session=60}`,
  }),
  mqtt4("an empty client identifier with clean session", {
    covers: "3.1.3-6",
    script: `
      a connects id=
      b connects id=
      a quiet
      b quiet
      * connections 2`,
  }),
  mqtt4("an empty client identifier without clean session", {
    covers: "3.1.3-8 3.2.2-4 3.2.2-5",
    script: `
      a connect id= clean=0
      a < connack 0 2
      a < closed`,
  }),
  mqtt5("an assigned client identifier is told, is new, and can be used again", {
    covers: "3.1.3-6 3.1.3-7 3.2.2-16",
    script: `
      a connect id= clean=0 {session=60}
      a < connack 0 0 {assigned=$first *}
      b connect id= clean=0 {session=60}
      b < connack 0 0 {assigned=$second *}
      a quiet
      * sessions 2
      a disconnect
      a < closed
      * connections 1
      b quiet`,
  }),
];

const IDENTITY: (Case | Case[])[] = [
  mqtt4("a second connection takes over", {
    covers: "3.1.4-2",
    script: `
      a connects id=same
      b connects id=same
      a < closed
      b quiet
      * connections 1`,
  }),
  mqtt5("a second connection takes over and the first is told", {
    covers: "3.1.4-3 3.14.2-1 3.14.4-2",
    script: `
      a connects id=same
      b connects id=same
      a < disconnect 0x8e
      a < closed
      b quiet
      * connections 1`,
  }),
  both("another user with the same client identifier is another session", {
    covers: "3.1.3-2",
    script: `
      a connects id=same user=one
      b connects id=same user=two
      a quiet
      b quiet
      * connections 2`,
  }),
  both("user names and client identifiers cannot be joined to the session of another", {
    covers: "3.1.3-2",
    script: `
      a connects id=x/y user=u clean=0 {session=60}
      b connects id=y user=u/x clean=0 {session=60}
      c connects id=1/u/x/y clean=0 {session=60}
      a quiet
      b quiet
      c quiet
      * sessions 3`,
  }),
  mqtt4("a refused CONNECT, and nothing after it is processed", {
    covers: "3.1.4-5 3.2.2-4 3.2.2-5",
    script: `
      w connects
      w subscribes #
      a dial
      a raw 10 L "MQTT" 04 82 0000 "a" "refuse-86" ; 30 L "t" 'x'
      a < connack 0 4
      a < closed
      w quiet
      * handed 0`,
  }),
  mqtt5("a refused CONNECT, and nothing after it is processed", {
    covers: "3.1.4-2 3.1.4-6 3.2.2-6 3.2.2-7 4.12.0-4 4.13.2-1 3.14.0-1",
    script: `
      w connects
      w subscribes #
      a dial
      a raw 10 L "MQTT" 05 82 0000 00 "a" "refuse-86" ; 30 L "t" 00 'x'
      a < connack 0 0x86
      a < closed
      w quiet
      * handed 0`,
  }),
  ...[["87", "5"], ["88", "3"], ["8a", "5"], ["97", "3"]].flatMap(([code, old]) => [
    mqtt4(`refusal 0x${code} as return code ${old}`, {
      covers: "3.2.2-4 3.2.2-5",
      script: `
        a connect user=refuse-${code}
        a < connack 0 ${old}
        a < closed`,
    }),
    mqtt5(`refusal 0x${code}`, {
      covers: "3.1.4-2 3.2.2-7 3.2.2-8 3.14.0-1",
      script: `
        a connect user=refuse-${code}
        a < connack 0 0x${code}
        a < closed`,
    }),
  ]),
  both("packets right behind CONNECT are processed after CONNACK", {
    covers: "3.2.0-1 4:3.1.4-4 5:3.1.4-5",
    script: `
      w connects
      w subscribes t
      a connect
      a publish t "early"
      a ping
      a < connack 0 0
      a < pingresp
      w < publish t "early"`,
  }),
  mqtt5("reason strings are not sent where CONNACK would be too large", {
    covers: "3.2.2-19",
    script: `
      a connect will=nowill/x {maxpacket=10}
      a < connack 0 0x87 {}
      a < closed
      b connect will=nowill/x {maxpacket=200}
      b < connack 0 0x87 {reason=* *}
      b < closed`,
  }),
  mqtt5("no authentication method in CONNECT: none in CONNACK, and AUTH is an error", {
    covers: "4.12.0-6 4.12.0-7 3.15.2-1",
    script: `
      a connects
      a auth 0x18 {method=x}
      a < disconnect 0x82
      a < closed`,
  }),
  mqtt5("an authentication method that is not supported", {
    covers: "4.12.0-1 4.12.0-4",
    script: `
      a connect {method=SCRAM-SHA-1 data=n}
      a < connack 0 0x8c
      a < closed`,
  }),
  mqtt5("AUTH with reserved bits", {
    covers: "3.15.1-1",
    script: `
      a connects
      a raw f1 00
      a < disconnect 0x81
      a < closed`,
  }),
  mqtt5("AUTH with an unlisted reason code", {
    covers: "3.15.2-1",
    script: `
      a connects
      a auth 0x01 {method=x}
      a < disconnect 0x81
      a < closed`,
  }),
  mqtt5("response information only on request", {
    covers: "3.1.2-28",
    options: { broker: { responseInformation: "answers/" } },
    script: `
      a connect
      a < connack 0 0 {receivemax=* aliasmax=* maxpacket=*}
      b connect {wantresponse=0}
      b < connack 0 0 {receivemax=* aliasmax=* maxpacket=*}
      c connect {wantresponse=1}
      c < connack 0 0 {respinfo=answers/ *}`,
  }),
  mqtt5("without problem information no reason strings in SUBACK", {
    covers: "3.1.2-29",
    script: `
      a connects {problem=0}
      a subscribe nosub/x id=3
      a < suback 3 0x87
      b connects {problem=1}
      b subscribe nosub/x id=3
      b < suback 3 0x87 {reason=*}`,
  }),
];

const KEEP_ALIVE: (Case | Case[])[] = [
  mqtt4("silence of one and a half keep alives", {
    covers: "3.1.2-24",
    script: `
      w connects
      w subscribes will
      a connects keep=10 will=will
      * advance 14
      a quiet
      * advance 14
      a quiet
      * advance 16
      a < closed
      w < publish will "gone"`,
  }),
  mqtt5("silence of one and a half keep alives", {
    covers: "3.1.2-22 3.2.2-22 3.14.2-1",
    script: `
      w connects
      w subscribes will
      a connects keep=10 will=will
      * advance 14
      a quiet
      * advance 16
      a < disconnect 0x8d
      a < closed
      w < publish will "gone"`,
  }),
  both("keep alive 0 is for ever", {
    covers: "4:3.1.2-24 5:3.1.2-22",
    script: `
      a connects keep=0
      * advance 1000000
      a quiet`,
  }),
  both("any packet counts as a sign of life", {
    covers: "4:3.1.2-24 5:3.1.2-22",
    script: `
      a connects keep=10
      * advance 14
      a subscribes t
      * advance 14
      a publish x "y" qos=1 id=4
      a < puback 4 ?
      * advance 14
      a quiet`,
  }),
  mqtt5("the server's keep alive is told and used", {
    covers: "3.2.2-22 3.1.2-22",
    options: { limits: { keepAliveSecondsMax: 20 } },
    script: `
      a connect keep=10
      a < connack 0 0 {receivemax=* aliasmax=* maxpacket=*}
      b connect keep=100
      b < connack 0 0 {keepalive=20 *}
      c connect keep=0
      c < connack 0 0 {keepalive=20 *}
      * advance 16
      a < disconnect 0x8d
      a < closed
      b quiet
      c quiet
      * advance 31
      b < disconnect 0x8d
      c < disconnect 0x8d`,
  }),
];

const DISCONNECT: (Case | Case[])[] = [
  mqtt4("DISCONNECT with reserved bits", {
    covers: "3.14.1-1 2.2.2-2",
    script: `
      w connects
      w subscribes will
      a connects will=will
      a raw e1 00
      a < closed
      w < publish will "gone"`,
  }),
  mqtt5("DISCONNECT with reserved bits", {
    covers: "3.14.1-1 2.1.3-1",
    script: `
      a connects
      a raw e1 00
      a < disconnect 0x81
      a < closed`,
  }),
  mqtt5("DISCONNECT with an unlisted reason code", {
    covers: "3.14.2-1",
    script: `
      a connects
      a disconnect 0x8e
      a < disconnect 0x81
      a < closed`,
  }),
  mqtt5("nothing is sent after DISCONNECT", {
    covers: "3.14.4-1 3.14.4-2 3.14.2-2",
    script: `
      a connects
      a subscribes t
      b connects
      a raw c1 00
      a < disconnect 0x81
      a publish t "late"
      b publish t "later"
      b quiet
      a < closed`,
  }),
  mqtt5("a stopping server says so", {
    covers: "3.14.2-1 3.14.2-2 3.14.4-2",
    script: `
      a connects
      * stop
      a < disconnect 0x8b
      a < closed`,
  }),
  mqtt5("a reason string is left out where DISCONNECT would be too large", {
    covers: "3.14.2-3 3.1.2-24",
    options: { broker: { reasonStrings: "all" } },
    script: `
      a connects {maxpacket=25}
      a auth 0x18 {method=x}
      a < disconnect 0x82
      a < closed
      b connects {maxpacket=200}
      b auth 0x18 {method=x}
      b < disconnect 0x82 {reason=*}
      b < closed`,
  }),
];

export const CONNECT_CASES: Case[] = [
  ...FIRST_PACKET,
  ...PROTOCOL,
  ...FLAGS,
  ...FIELDS,
  ...IDENTITY,
  ...KEEP_ALIVE,
  ...DISCONNECT,
].flat();
