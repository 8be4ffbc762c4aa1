/**
 * The cost of decoding on the way in. Most of it is the runtime's: UTF-8 and JSON.parse of the same
 * 163 bytes take two thirds of `telemetry`. Run with `deno bench model/`.
 */
import { decodePayload, decodeStored } from "@/model/decode/decode.ts";
import { DEFAULT_RULES, normalize } from "@/model/normalize.ts";

const RECEIVED_US = 1_767_225_601_000_000;
const TEXT = '{"ts":1767225600123,"seq":123456,"values":{"temperature":21.53,"humidity":48.25,' +
  '"pressure":1013.25,"gas_resistance":101169,"battery":87,"voltage":3.71,"rssi":-71}}';
const PACKET = '{"ts":194500,"id":"N2","n1":{"t":28.3,"h":52.6,"g":461235},' +
  '"n2":{"t":27.8,"h":48.8},"sig":{"rssi":-32,"snr":12},"sts":{"rx":1,"err":0}}';

const textBytes = new TextEncoder().encode(TEXT);
const packetBytes = new TextEncoder().encode(PACKET);
const scalarBytes = new TextEncoder().encode("21.53");
const utf8 = new TextDecoder("utf-8", { fatal: true });

Deno.bench("UTF-8 and JSON.parse alone, 163 bytes", { baseline: true }, () => {
  JSON.parse(utf8.decode(textBytes));
});

Deno.bench("telemetry, 163 bytes", () => {
  decodePayload("devices/sensor-0001/telemetry", textBytes, RECEIVED_US);
});

Deno.bench("packet of a receiver, 135 bytes", () => {
  decodePayload("gateways/N2/packet", packetBytes, RECEIVED_US);
});

Deno.bench("one value", () => {
  decodePayload("devices/sensor-0001/temperature", scalarBytes, RECEIVED_US);
});

const topic = "devices/sensor-0001/telemetry";
const decoded = decodeStored({ topic, payload: TEXT, receivedUs: RECEIVED_US });
const sender = decoded.device;
const context = { receivedUs: RECEIVED_US, clockUntrusted: false, prefixed: false, sender };

Deno.bench("normalize, 7 readings", () => {
  normalize(decoded, context, DEFAULT_RULES);
});
