/**
 * Bytes that are not a packet. One case for each statement; the many variations of each are in the
 * corpus of `malformed.ts`.
 */

import { both, type Case, mqtt4, mqtt5 } from "@/tests/mqtt/script.ts";

interface Malformed {
  name: string;
  covers: string;
  /** Raw bytes; `P` stands for an empty property list in 5.0 and for nothing in 3.1.1. */
  bytes: string;
  /** Reason code of 5.0; 3.1.1 closes without a word. */
  code: number;
}

/** On an accepted connection; another one goes on being served. */
function refused({ name, covers, bytes, code }: Malformed): Case[] {
  return both(name, {
    covers,
    script: `
      b connects
      a connects
      4| a raw ${bytes.replaceAll(" P", "")}
      5| a raw ${bytes.replaceAll(" P", " 00")}
      5| a < disconnect 0x${code.toString(16)}
      a < closed
      b quiet
      * handed 0`,
  });
}

const MALFORMED = 0x81;
const PROTOCOL_ERROR = 0x82;

const UTF8 = "4:1.4.0-1 5:1.5.4-1";
const VIOLATION = "4:4.8.0-1 5:4.13.1-1";

const IN_BOTH: Malformed[] = [
  {
    name: "a topic name with a lone surrogate",
    covers: `${UTF8} 3.3.2-1 ${VIOLATION}`,
    bytes: "30 L 0003 eda080 P",
    code: MALFORMED,
  },
  {
    name: "a topic name with U+0000",
    covers: "4:1.4.0-2 5:1.5.4-2 4.7.3-2",
    bytes: "30 L 0003 610062 P",
    code: MALFORMED,
  },
  {
    name: "a topic filter with U+0000",
    covers: "4:1.4.0-2 5:1.5.4-2 4.7.3-2 3.8.3-1",
    bytes: "82 L 0001 P 0003 610062 00",
    code: MALFORMED,
  },
  {
    name: "a topic filter that is not UTF-8, in SUBSCRIBE",
    covers: `${UTF8} 3.8.3-1`,
    bytes: "82 L 0001 P 0002 c328 00",
    code: MALFORMED,
  },
  {
    name: "a topic filter that is not UTF-8, in UNSUBSCRIBE",
    covers: `${UTF8} 3.10.3-1`,
    bytes: "a2 L 0001 P 0002 c328",
    code: MALFORMED,
  },
  {
    name: "no topic name at all",
    covers: "3.3.2-1",
    bytes: "30 L",
    code: MALFORMED,
  },
  {
    name: "an empty topic name",
    covers: "4.7.3-1 3.3.2-1",
    bytes: "30 L 0000 P 'x'",
    code: MALFORMED,
  },
  {
    name: "an empty filter in SUBSCRIBE",
    covers: "4.7.3-1",
    bytes: "82 L 0001 P 0000 00",
    code: MALFORMED,
  },
  {
    name: "an empty filter in UNSUBSCRIBE",
    covers: "4.7.3-1",
    bytes: "a2 L 0001 P 0000",
    code: MALFORMED,
  },
  {
    name: "PUBLISH with QoS 3",
    covers: "3.3.1-4",
    bytes: '36 L "t" 0001 P',
    code: MALFORMED,
  },
  {
    name: "PUBLISH with QoS 0 and DUP",
    covers: "3.3.1-2",
    bytes: '38 L "t" P',
    code: MALFORMED,
  },
  {
    name: "PUBLISH with QoS 1 and identifier 0",
    covers: "4:2.3.1-1 5:2.2.1-3",
    bytes: '32 L "t" 0000 P',
    code: PROTOCOL_ERROR,
  },
  {
    name: "PUBLISH with QoS 2 and identifier 0",
    covers: "4:2.3.1-1 5:2.2.1-3",
    bytes: '34 L "t" 0000 P',
    code: PROTOCOL_ERROR,
  },
  {
    name: "SUBSCRIBE with identifier 0",
    covers: "4:2.3.1-1 5:2.2.1-3",
    bytes: '82 L 0000 P "t" 00',
    code: PROTOCOL_ERROR,
  },
  {
    name: "UNSUBSCRIBE with identifier 0",
    covers: "4:2.3.1-1 5:2.2.1-3",
    bytes: 'a2 L 0000 P "t"',
    code: PROTOCOL_ERROR,
  },
  ...["60", "61", "63", "66", "6a"].map((first): Malformed => ({
    name: `PUBREL beginning with 0x${first}`,
    covers: "3.6.1-1 4:2.2.2-2 5:2.1.3-1",
    bytes: `${first} 02 0001`,
    code: MALFORMED,
  })),
  ...["80", "81", "83", "86", "8a"].map((first): Malformed => ({
    name: `SUBSCRIBE beginning with 0x${first}`,
    covers: "3.8.1-1 4:2.2.2-2 5:2.1.3-1",
    bytes: `${first} L 0001 P "t" 00`,
    code: MALFORMED,
  })),
  ...["a0", "a1", "a3", "a6", "aa"].map((first): Malformed => ({
    name: `UNSUBSCRIBE beginning with 0x${first}`,
    covers: "3.10.1-1 4:2.2.2-2 5:2.1.3-1",
    bytes: `${first} L 0001 P "t"`,
    code: MALFORMED,
  })),
  ...["41", "52", "74", "c8"].map((first): Malformed => ({
    name: `reserved bits in 0x${first}`,
    covers: "4:2.2.2-1 4:2.2.2-2 5:2.1.3-1",
    bytes: first === "c8" ? "c8 00" : `${first} 02 0001`,
    code: MALFORMED,
  })),
  {
    name: "SUBSCRIBE without a filter",
    covers: "4:3.8.3-3 5:3.8.3-2",
    bytes: "82 L 0001 P",
    code: PROTOCOL_ERROR,
  },
  {
    name: "SUBSCRIBE with a filter but no options",
    covers: "4:3.8.3-3 5:3.8.3-2",
    bytes: '82 L 0001 P "t"',
    code: MALFORMED,
  },
  {
    name: "SUBSCRIBE with QoS 3",
    covers: "4:3.8.3-4 5:3.8.3-2",
    bytes: '82 L 0001 P "t" 03',
    code: MALFORMED,
  },
  ...["40", "80", "c0"].map((options): Malformed => ({
    name: `SUBSCRIBE with options 0x${options}`,
    covers: "4:3.8.3-4 5:3.8.3-5",
    bytes: `82 L 0001 P "t" ${options}`,
    code: MALFORMED,
  })),
  {
    name: "UNSUBSCRIBE without a filter",
    covers: "3.10.3-2",
    bytes: "a2 L 0001 P",
    code: PROTOCOL_ERROR,
  },
  {
    name: "a remaining length of five bytes",
    covers: `5:1.5.5-1 ${VIOLATION}`,
    bytes: "30 ffffffff01",
    code: MALFORMED,
  },
  {
    name: "a remaining length that is longer than needed",
    covers: "5:1.5.5-1",
    bytes: '30 8400 "t" P',
    code: MALFORMED,
  },
  {
    name: "PINGREQ with a body",
    covers: VIOLATION,
    bytes: "c0 01 00",
    code: MALFORMED,
  },
  ...["20 02 0000", "90 03 0001 00", "b0 02 0001", "d0 00"].map((bytes): Malformed => ({
    name: `a packet that only servers send: ${bytes}`,
    covers: VIOLATION,
    bytes,
    code: PROTOCOL_ERROR,
  })),
  {
    name: "packet type 0",
    covers: VIOLATION,
    bytes: "00 00",
    code: MALFORMED,
  },
];

const OPTIONS_5: (Case | Case[])[] = [
  ["04", "no local"],
  ["08", "retain as published"],
  ["10", "retain handling"],
  ["20", "retain handling"],
].flatMap(([options, name]) =>
  mqtt4(`${name} is reserved before 5.0 (0x${options})`, {
    covers: "3.8.3-4",
    script: `
      a connects
      a raw 82 L 0001 "t" ${options}
      a < closed`,
  })
);

const ONLY_5: (Case | Case[])[] = [
  mqtt5("retain handling 3", {
    covers: "4.13.1-1",
    script: `
      a connects
      a subscribe t:0x30
      a < disconnect 0x82
      a < closed`,
  }),
  mqtt5("a subscription identifier from a client", {
    covers: "3.3.4-6",
    script: `
      a connects
      a publish t "x" {subid=1}
      a < disconnect 0x82
      a < closed`,
  }),
  mqtt5("subscription identifier 0", {
    covers: "4.13.1-1",
    script: `
      a connects
      a subscribe t {subid=0}
      a < disconnect 0x82
      a < closed`,
  }),
  ...[["08", "a response topic", "3.3.2-13"], ["03", "a content type", "3.3.2-19"]].flatMap((
    [id, name, number],
  ) =>
    mqtt5(`${name} that is not UTF-8`, {
      covers: `${number} 1.5.4-1`,
      script: `
        a connects
        a raw 30 L "t" 05 ${id} 0002 c328
        a < disconnect 0x81
        a < closed`,
    })
  ),
  ...["0001 ff 0001 61", "0001 61 0001 ff", "0001 00 0001 61", "0001 61 0001 00"].map((pair) =>
    mqtt5(`a user property of ${pair}`, {
      covers: "1.5.7-1",
      script: `
        a connects
        a raw 30 L "t" 07 26 ${pair}
        a < disconnect 0x81
        a < closed`,
    })
  ).flat(),
  mqtt5("a property length that is longer than needed", {
    covers: "1.5.5-1",
    script: `
      a connects
      a raw 30 L "t" 8000 'x'
      a < disconnect 0x81
      a < closed`,
  }),
  mqtt5("no property length at all", {
    covers: "2.2.2-1",
    script: `
      a connects
      a raw 30 L "t"
      a < disconnect 0x81
      a < closed`,
  }),
  mqtt5("a reason string is left out where SUBACK would be too large", {
    covers: "3.9.2-1 3.1.2-24",
    script: `
      a connects {maxpacket=25}
      a subscribe nosub/x id=3
      a < suback 3 0x87
      b connects {maxpacket=100}
      b subscribe nosub/x id=3
      b < suback 3 0x87 {reason=*}`,
  }),
];

const TOO_LARGE: (Case | Case[])[] = ["subscribe", "unsubscribe"].map((verb) =>
  mqtt5(`an answer to ${verb} that is too large even without reason string`, {
    covers: "3.1.2-24",
    script: `
      a connects {maxpacket=25}
      a ${verb} ${Array.from({ length: 25 }, (_, i) => `nosub/${i}`).join(" ")}
      a < disconnect 0x95
      a < closed`,
  })
);

const LENGTHS: (Case | Case[])[] = [
  both("PUBLISH with QoS 0 has no identifier: what stands there is payload", {
    covers: "4:2.3.1-5 5:2.2.1-2",
    script: `
      b connects
      b subscribes t
      a connects
      4| a raw 30 L "t" 4142
      5| a raw 30 L "t" 00 4142
      b < publish t "AB"`,
  }),
  both("topic names and filters of 65 535 bytes", {
    covers: "4.7.3-3",
    script: `
      b connects
      b subscribes ${"x".repeat(65_535)}
      a connects
      a publish ${"x".repeat(65_535)} "long"
      b < publish ${"x".repeat(65_535)} "long"`,
  }),
  both("a packet that comes byte by byte", {
    covers: "4:7.1.1-1 5:4.2-1",
    script: `
      b connects
      b subscribes t:1
      a connects
      a raw 32
      b quiet
      4| a raw 06
      5| a raw 07
      b quiet
      a raw 00
      b quiet
      a raw 0174
      b quiet
      a raw 00
      b quiet
      4| a raw 0778
      5| a raw 070078
      a < puback 7
      b < publish t "x" qos=1 id=*`,
  }),
];

export const FORMAT_CASES: Case[] = [
  ...IN_BOTH.map(refused),
  ...OPTIONS_5,
  ...ONLY_5,
  ...TOO_LARGE,
  ...LENGTHS,
].flat();
