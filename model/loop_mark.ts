/**
 * The mark on everything that a gateway publishes to a broker of somebody else, as an MQTT 5 user
 * property with the gateway's id, so that it does not take in again what is its own. 3.1.1 has no
 * place for a mark: there the configuration check keeps topics of sources and destinations apart.
 */
export const LOOP_MARK = "sluice-gateway";

/** True when one of the user properties is the mark of this gateway. */
export function isOwnMark(
  properties: readonly (readonly [string, string])[] | undefined,
  gatewayId: string,
): boolean {
  if (properties === undefined) return false;
  return properties.some(([name, value]) => name === LOOP_MARK && value === gatewayId);
}
