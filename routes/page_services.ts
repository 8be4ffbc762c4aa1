/** What pages may ask of the gateway; the composition root fulfils it. */
import type { Auth } from "@/auth/auth.ts";
import type { DeviceCredential } from "@/auth/device_registry.ts";
import type { Config } from "@/config/schema.ts";
import type { DeviceSigns } from "@/model/device_status.ts";
import type { DeliveryView } from "@/model/live_events.ts";
import type { OpenApiDocument } from "@/routes/api/open_api.ts";
import type { DocLibrary } from "@/routes/doc_library.ts";
import type { OrderDesk } from "@/routes/order_desk.ts";
import type { Health } from "@/routes/health.ts";
import type { QueueParts } from "@/routes/api/queue.ts";
import type { DeadParts } from "@/routes/api/dead.ts";
import type { SettingsPort } from "@/routes/settings/settings_port.ts";
import type { DecodeError } from "@/model/errors.ts";
import type { StoredMessage } from "@/model/message.ts";
import type { Normalized } from "@/model/reading.ts";
import type { SystemView } from "@/model/system_view.ts";
import type { WorkBoard } from "@/routes/work_board.ts";
import type { Store } from "@/store/store_types.ts";

/** One message within a payload: what it would become, or why it cannot be understood. */
export type InputMeaning =
  | { payload: string; normalized: Normalized; error: null }
  | { payload: null; normalized: null; error: DecodeError };

/** Operators' acts, the same ones that the HTTP API and the command line offer. */
export type PageOperations =
  & Pick<
    QueueParts,
    "queueStatus" | "destinationList" | "destinationTest" | "destinationPause"
  >
  & Pick<DeadParts, "sourceDeadReplay">;

/** What was heard of devices; the rule that makes a status of it is model/device_status.ts. */
export interface DeviceSignsSource {
  /** Ids of all devices that were ever heard, in no order. */
  readonly heard: readonly string[];
  signs: (device: string) => DeviceSigns;
  /** The sender that it came through last: itself, or a receiver; null for one never heard. */
  via: (device: string) => string | null;
}

export type LegalName = "privacy" | "terms" | "imprint";

/** An operator's text for a legal page. */
export interface LegalText {
  /** Markdown; null where there is none. */
  text: string | null;
  /** Where it is expected. */
  path: string;
  /** Why a file that is there is not used. */
  problem: string | null;
}

export interface PageServices {
  store: Omit<Store, "append" | "reject" | "commitState" | "loadState" | "openForwardPort">;
  auth: Auth;
  operations: PageOperations;
  /** The configuration that is in effect; never shown without masking its secrets. */
  config: () => Config;
  /** Bound addresses by protocol. */
  addresses: () => Record<string, string>;
  health: () => Health;
  docs: DocLibrary;
  orderDesk: OrderDesk;
  legalText: (name: LegalName) => Promise<LegalText>;
  apiDocument: () => OpenApiDocument;
  deliveryView: () => Promise<DeliveryView>;
  deviceWatch: DeviceSignsSource;
  systemView: () => SystemView;
  /** Long work that somebody started. */
  work: WorkBoard;
  /** What a message of the log means, by the rules of now; throws DecodeError. */
  decodeMessage: (message: StoredMessage) => Normalized;
  /** What a payload on a topic would be taken for if it arrived now. */
  decodeInput: (topic: string, payload: Uint8Array) => InputMeaning[];
  withSnippets: (
    credential: DeviceCredential,
  ) => Promise<DeviceCredential & { snippets: { title: string; text: string }[] }>;
  settings: SettingsPort;
}
