import type { Decoded } from "@/model/decoded.ts";
import type { StoredMessage } from "@/model/message.ts";
import type { Normalized } from "@/model/reading.ts";

/** A committed message on its way to everybody who watches: broker, tap, page. */
export interface LiveMessage {
  message: StoredMessage;
  decoded: Decoded;
  normalized: Normalized;
}

/** Hears each accepted message once, after its commit, in the order of the log. */
export type LiveListener = (live: LiveMessage) => void;
