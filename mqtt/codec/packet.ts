/** The control packets of MQTT 3.1, 3.1.1 and 5.0 as values. */

/** 3 is 3.1 (`MQIsdp`), 4 is 3.1.1, 5 is 5.0: the protocol level on the wire. */
export type ProtocolVersion = 3 | 4 | 5;

export type Qos = 0 | 1 | 2;

/** Control packet type, the upper half of the first byte. */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

/** Name and value; names may repeat, order counts [MQTT-3.3.2-18]. */
export type UserProperty = readonly [string, string];

/** All properties of 5.0 by name; which packet may carry which is checked on both ways. */
export interface Properties {
  payloadFormatIndicator?: number;
  /** seconds */
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  /** one in SUBSCRIBE, any number in a PUBLISH from the server; 1…268 435 455 */
  subscriptionIdentifiers?: readonly number[];
  /** seconds; 0xFFFFFFFF never expires */
  sessionExpiryInterval?: number;
  assignedClientIdentifier?: string;
  /** seconds */
  serverKeepAlive?: number;
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
  requestProblemInformation?: number;
  /** seconds */
  willDelayInterval?: number;
  requestResponseInformation?: number;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQos?: number;
  retainAvailable?: number;
  userProperties?: readonly UserProperty[];
  /** bytes of a whole packet */
  maximumPacketSize?: number;
  wildcardSubscriptionAvailable?: number;
  subscriptionIdentifierAvailable?: number;
  sharedSubscriptionAvailable?: number;
}

export interface WillMessage {
  topic: string;
  payload: Uint8Array;
  qos: Qos;
  retain: boolean;
  properties: Properties | null;
}

export interface ConnectPacket {
  type: "connect";
  version: ProtocolVersion;
  /** clean session before 5.0 */
  cleanStart: boolean;
  /** seconds, 0 turns it off */
  keepAlive: number;
  clientId: string;
  username: string | null;
  password: Uint8Array | null;
  will: WillMessage | null;
  properties: Properties | null;
}

export interface ConnackPacket {
  type: "connack";
  sessionPresent: boolean;
  /** 5.0: reason code; before: return code 0…5 */
  reasonCode: number;
  properties: Properties | null;
}

export interface PublishPacket {
  type: "publish";
  /** empty only where a topic alias stands for it */
  topic: string;
  /** a view of the received bytes, valid until the callback returns */
  payload: Uint8Array;
  qos: Qos;
  retain: boolean;
  dup: boolean;
  /** 0 for QoS 0 */
  packetId: number;
  properties: Properties | null;
}

export type AcknowledgementType = "puback" | "pubrec" | "pubrel" | "pubcomp";

export interface AcknowledgementPacket {
  type: AcknowledgementType;
  packetId: number;
  /** 0 before 5.0 */
  reasonCode: number;
  properties: Properties | null;
}

export interface SubscriptionRequest {
  /** as sent, with `$share/name/` where shared */
  filter: string;
  qos: Qos;
  noLocal: boolean;
  retainAsPublished: boolean;
  /** 0 send at subscribe, 1 only for a new subscription, 2 never */
  retainHandling: 0 | 1 | 2;
}

export interface SubscribePacket {
  type: "subscribe";
  packetId: number;
  subscriptions: SubscriptionRequest[];
  properties: Properties | null;
}

export interface SubackPacket {
  type: "suback";
  packetId: number;
  reasonCodes: number[];
  properties: Properties | null;
}

export interface UnsubscribePacket {
  type: "unsubscribe";
  packetId: number;
  filters: string[];
  properties: Properties | null;
}

export interface UnsubackPacket {
  type: "unsuback";
  packetId: number;
  /** empty before 5.0 */
  reasonCodes: number[];
  properties: Properties | null;
}

export interface PingreqPacket {
  type: "pingreq";
}

export interface PingrespPacket {
  type: "pingresp";
}

export interface DisconnectPacket {
  type: "disconnect";
  reasonCode: number;
  properties: Properties | null;
}

export interface AuthPacket {
  type: "auth";
  reasonCode: number;
  properties: Properties | null;
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AcknowledgementPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;
