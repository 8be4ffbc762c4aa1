import { TEXTS_EN } from "@/components/texts_en.ts";

/** The shape of a language. */
export type Texts = typeof TEXTS_EN;

/** Words for server components; islands get theirs as props. */
export const texts: Texts = TEXTS_EN;
