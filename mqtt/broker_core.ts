/** What the parts of one broker share; made by the broker, given to every connection. */

import type { BrokerHooks, BrokerReport, BrokerStatistics } from "@/mqtt/broker_types.ts";
import type { BrokerTime } from "@/mqtt/broker_time.ts";
import type { Connection } from "@/mqtt/connection.ts";
import type { FlushList } from "@/mqtt/connection_output.ts";
import type { BrokerLimits } from "@/mqtt/limits.ts";
import type { Router } from "@/mqtt/router.ts";
import type { SessionRegistry } from "@/mqtt/session_registry.ts";
import type { Session } from "@/mqtt/session.ts";
import type { StateJournal } from "@/mqtt/state_journal.ts";
import type { WillKeeper } from "@/mqtt/will_keeper.ts";

export interface BrokerCore {
  hooks: BrokerHooks;
  limits: BrokerLimits;
  statistics: BrokerStatistics;
  time: BrokerTime;
  journal: StateJournal;
  router: Router;
  sessions: SessionRegistry;
  wills: WillKeeper;
  flushes: FlushList;
  /** Random text for assigned client identifiers. */
  randomId: () => string;
  /** 5.0 response information given on request; null: none. */
  responseInformation: string | null;
  /** Which reason strings are sent to clients that want them. */
  reasonStrings: ReasonStrings;
  connections: ConnectionSet;
  /** Messages whose commit is pending grew or shrank by so many bytes. */
  addPendingBytes(change: number): void;
  report(kind: BrokerReport["kind"], message: string, connection: Connection | null): void;
}

/**
 * "refusals": where the broker refuses for a reason of its own (not authorised, a limit, shutting
 * down). "all": for protocol errors too, where the reason code already names the fault.
 */
export type ReasonStrings = "none" | "refusals" | "all";

export interface ConnectionSet {
  readonly open: Set<Connection>;
  readonly halfOpen: Set<Connection>;
  /** Closed by us, waiting for the peer. */
  readonly closing: Set<Connection>;
}

export type BrokerSession = Session<Connection>;
