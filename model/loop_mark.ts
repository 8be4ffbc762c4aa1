/**
 * The mark on everything that this product publishes to a broker of somebody else, as an MQTT 5 user
 * property, so that no gateway takes it in again. 3.1.1 has no place for a mark: there the
 * configuration check keeps topics of sources and destinations apart.
 */
export const LOOP_MARK_NAME = "sluice-origin";

/** True when one of the user properties is the mark. */
export function isOwnMark(properties: readonly (readonly [string, string])[] | undefined): boolean {
  return properties !== undefined && properties.some(([name]) => name === LOOP_MARK_NAME);
}
