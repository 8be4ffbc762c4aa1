/** Every operation of the HTTP API. */
import type { Auth } from "@/auth/auth.ts";
import { auditOperations } from "@/routes/api/audit.ts";
import { authOperations } from "@/routes/api/auth.ts";
import { dashboardOperations } from "@/routes/api/dashboards.ts";
import { deadOperations, type DeadParts } from "@/routes/api/dead.ts";
import { deviceCertificateOperations } from "@/routes/api/device_certificates.ts";
import { deviceOperations, type DeviceParts } from "@/routes/api/devices.ts";
import type { LiveStreams } from "@/routes/api/event_stream.ts";
import { laterOperations } from "@/routes/api/later.ts";
import { liveOperations } from "@/routes/api/live.ts";
import type { LiveBoard } from "@/routes/api/live_board.ts";
import type { Api } from "@/routes/api/operation.ts";
import { describePlainRoutes } from "@/routes/api/plain_routes.ts";
import { predictionOperations } from "@/routes/api/predictions.ts";
import { queueOperations, type QueueParts } from "@/routes/api/queue.ts";
import { readingOperations } from "@/routes/api/readings.ts";
import { userOperations } from "@/routes/api/users.ts";
import type { StoreAdmin } from "@/store/store_types.ts";

/** What operators may do to the gateway, as far as HTTP offers it. */
export type AppOperations =
  & Omit<QueueParts, "store" | "audit">
  & Pick<DeadParts, "sourceDeadReplay">;

export interface OperationParts {
  auth: Auth;
  store: StoreAdmin;
  streams: LiveStreams;
  operations: AppOperations;
  withSnippets: DeviceParts["withSnippets"];
  live: LiveBoard;
}

/** Adds and describes all of them, the order is the document's. */
export function addOperations(api: Api, parts: OperationParts): void {
  const { auth, store, streams, operations, withSnippets } = parts;
  authOperations(api, auth);
  readingOperations(api, { store, streams });
  dashboardOperations(api, { store });
  predictionOperations(api, { store, streams });
  deviceOperations(api, { store, auth, withSnippets });
  deviceCertificateOperations(api, auth);
  const { audit } = auth;
  queueOperations(api, {
    ...{ store, audit },
    queueStatus: () => operations.queueStatus(),
    destinationList: () => operations.destinationList(),
    destinationTest: (name) => operations.destinationTest(name),
    destinationPause: (name, paused) => operations.destinationPause(name, paused),
  });
  deadOperations(api, {
    ...{ store, audit },
    sourceDeadReplay: (filter, options) => operations.sourceDeadReplay(filter, options),
  });
  userOperations(api, auth);
  auditOperations(api, auth);
  liveOperations(api, parts.live);
  laterOperations(api);
  describePlainRoutes(api);
}
