import { randomInt } from "node:crypto";

/** Without 0 O 1 l I and the like: it is read off a screen and typed. */
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS = 4;
const GROUP_LETTERS = 5;

/** A password that is shown once: 20 letters of 32, 100 random bits, in groups. */
export function newPassword(): string {
  const letter = () => LETTERS[randomInt(LETTERS.length)]!;
  const group = () => Array.from({ length: GROUP_LETTERS }, letter).join("");
  return Array.from({ length: GROUPS }, group).join("-");
}
