/** Statements that tests outside the scripts show; each name is that of its test. */

export interface OtherCase {
  name: string;
  covers: string[];
  file: string;
}

export const OTHER_CASES: readonly OtherCase[] = [];
