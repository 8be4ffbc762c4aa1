import { CONNECT_CASES } from "@/tests/mqtt/cases/connect.ts";
import { FORMAT_CASES } from "@/tests/mqtt/cases/format.ts";
import { PUBLISH_CASES } from "@/tests/mqtt/cases/publish.ts";
import { RACE_CASES } from "@/tests/mqtt/cases/race.ts";
import { SESSION_CASES } from "@/tests/mqtt/cases/session.ts";
import { SUBSCRIBE_CASES } from "@/tests/mqtt/cases/subscribe.ts";
import { WILL_CASES } from "@/tests/mqtt/cases/will.ts";
import type { Case } from "@/tests/mqtt/script.ts";

export const CASES: Case[] = [
  ...CONNECT_CASES,
  ...SESSION_CASES,
  ...WILL_CASES,
  ...PUBLISH_CASES,
  ...SUBSCRIBE_CASES,
  ...FORMAT_CASES,
  ...RACE_CASES,
];
