/** Reason codes of MQTT 5.0 (§2.4) and which packet may carry which, by sender. */

export const ReasonCode = {
  success: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reAuthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

/** PUBACK and PUBREC, §3.4.2.1 and §3.5.2.1. */
export const PUBLISH_RESPONSE_CODES: ReadonlySet<number> = new Set([
  0x00,
  0x10,
  0x80,
  0x83,
  0x87,
  0x90,
  0x91,
  0x97,
  0x99,
]);

/** PUBREL and PUBCOMP, §3.6.2.1 and §3.7.2.1. */
export const RELEASE_CODES: ReadonlySet<number> = new Set([0x00, 0x92]);

/** SUBACK of 5.0, §3.9.3. */
export const SUBACK_CODES: ReadonlySet<number> = new Set([
  0x00,
  0x01,
  0x02,
  0x80,
  0x83,
  0x87,
  0x8f,
  0x91,
  0x97,
  0x9e,
  0xa1,
  0xa2,
]);

/** UNSUBACK, §3.11.3. */
export const UNSUBACK_CODES: ReadonlySet<number> = new Set([
  0x00,
  0x11,
  0x80,
  0x83,
  0x87,
  0x8f,
  0x91,
]);

/** DISCONNECT that a client may send, §3.14.2.1. */
export const CLIENT_DISCONNECT_CODES: ReadonlySet<number> = new Set([
  0x00,
  0x04,
  0x80,
  0x81,
  0x82,
  0x83,
  0x90,
  0x93,
  0x94,
  0x95,
  0x96,
  0x97,
  0x98,
  0x99,
]);

/** DISCONNECT that a server may send, §3.14.2.1. */
export const SERVER_DISCONNECT_CODES: ReadonlySet<number> = new Set([
  0x00,
  0x80,
  0x81,
  0x82,
  0x83,
  0x87,
  0x89,
  0x8b,
  0x8d,
  0x8e,
  0x8f,
  0x90,
  0x93,
  0x94,
  0x95,
  0x96,
  0x97,
  0x98,
  0x99,
  0x9a,
  0x9b,
  0x9c,
  0x9d,
  0x9e,
  0x9f,
  0xa0,
  0xa1,
  0xa2,
]);

/** CONNACK of 5.0, §3.2.2.2. */
export const CONNACK_CODES: ReadonlySet<number> = new Set([
  0x00,
  0x80,
  0x81,
  0x82,
  0x83,
  0x84,
  0x85,
  0x86,
  0x87,
  0x88,
  0x89,
  0x8a,
  0x8c,
  0x90,
  0x95,
  0x97,
  0x99,
  0x9a,
  0x9b,
  0x9c,
  0x9d,
  0x9f,
]);

/** AUTH, §3.15.2.1. */
export const AUTH_CODES: ReadonlySet<number> = new Set([0x00, 0x18, 0x19]);

/** The code for CONNACK where another packet would say more: taken over, shutting down, … */
export function connackReasonCode(reasonCode: number): number {
  if (CONNACK_CODES.has(reasonCode)) return reasonCode;
  return reasonCode === ReasonCode.serverShuttingDown
    ? ReasonCode.serverUnavailable
    : ReasonCode.unspecifiedError;
}

/** CONNACK return code of 3.1 and 3.1.1 (§3.2.2.3 there) for a reason code of 5.0. */
export function connackReturnCode(reasonCode: number): number {
  switch (reasonCode) {
    case ReasonCode.success:
      return 0;
    case ReasonCode.unsupportedProtocolVersion:
      return 1;
    case ReasonCode.clientIdentifierNotValid:
      return 2;
    case ReasonCode.badUserNameOrPassword:
      return 4;
    case ReasonCode.notAuthorized:
    case ReasonCode.banned:
      return 5;
    default:
      return 3;
  }
}
