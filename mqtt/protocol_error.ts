/**
 * The one error that bytes from the other side can cause. It names the reason code that MQTT 5.0
 * has for it and the normative statement that was broken, in the numbering of MQTT 5.0.
 */

import { SluiceError } from "@/model/errors.ts";
import { ReasonCode } from "@/mqtt/codec/reason_code.ts";

/** The peer broke the protocol: close this connection with `reasonCode`, touch nobody else. */
export class MqttProtocolError extends SluiceError {
  /** MQTT 5.0 reason code, 0x81…0xA2; versions before 5.0 just close. */
  readonly reasonCode: number;
  /** Normative statement such as `MQTT-3.3.1-4`, or the section where there is none. */
  readonly statement: string;

  constructor(message: string, details: { reasonCode: number; statement: string }) {
    super(`${message} [${details.statement}]`, {
      code: `MQTT-00${details.reasonCode.toString(16).toUpperCase()}`,
      hint: "Correct the client: its packet breaks the MQTT specification",
    });
    this.reasonCode = details.reasonCode;
    this.statement = details.statement;
  }
}

/** The bytes cannot be parsed as the specification says (0x81). */
export function malformed(message: string, statement: string): MqttProtocolError {
  return new MqttProtocolError(message, { reasonCode: ReasonCode.malformedPacket, statement });
}

/** The bytes parse, but say something that is not allowed (0x82). */
export function protocolError(message: string, statement: string): MqttProtocolError {
  return new MqttProtocolError(message, { reasonCode: ReasonCode.protocolError, statement });
}
