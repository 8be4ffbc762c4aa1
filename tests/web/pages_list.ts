/**
 * Every page, once: the pictures of `deno task screenshots` and the checks of quality go through
 * this list. The gateway behind it runs with simulated devices; `quality_test.ts` names a page that
 * is missing here.
 */

/** Open to visitors; without script. */
export const PUBLIC_PAGES: readonly string[] = [
  ...["/login", "/welcome", "/docs", "/docs/start", "/docs/reference/config", "/docs/errors"],
  ...["/docs/api", "/docs/api/readings", "/docs/api/schemas", "/privacy", "/terms", "/imprint"],
  ...["/purchase", "/purchase/thanks?reference=7KQ4-M2XD"],
];

/**
 * Signed in as an admin. `{message}` is the id of a stored message, `{device}` a device that has not
 * sent yet: see `shown_gateway.ts`.
 */
export const PAGES: readonly string[] = [
  "/",
  "/dashboards",
  "/dashboards/signal",
  "/dashboards/environment/edit",
  ...["/devices", "/devices/sensor-001", "/devices/node1", "/devices/sensor-001/messages"],
  ...["/add-device", "/add-device/{device}"],
  "/settings",
  ...["/settings/destinations", "/settings/add/destination?type=postgres"],
  ...["/settings/sources", "/settings/add/source?type=serial", "/settings/retention"],
  ...["/settings/access", "/settings/tls", "/settings/network", "/settings/broker"],
  ...["/settings/readings", "/settings/log", "/settings/appearance", "/settings/all"],
  ...["/delivery", "/messages/{message}"],
  ...["/dead-letters", "/dead-letters?kind=source", "/dead-letters/source/1", "/system"],
  ...["/predictions", "/predictions/camera-1"],
  "/settings/people",
  "/settings/people/ada",
  "/audit",
  "/orders",
  "/account",
];
