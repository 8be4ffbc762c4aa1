/**
 * Ready-to-paste first messages for a new device. Each publishes one temperature reading, so that it
 * appears on the page a moment later. Values are written as literals of the language they stand in.
 */

export interface SnippetInput {
  device: string;
  password: string;
  /** Host name or address of the gateway as the device reaches it. */
  host: string;
  mqttPort: number;
  /** Origin of the HTTP API without a slash at the end: `http://gateway.local:8000`. */
  httpOrigin: string;
  /** PEM of the authority that the device must trust; null without TLS on MQTT. */
  authorityPem: string | null;
}

export interface Snippet {
  id: "mosquitto_pub" | "python" | "arduino" | "esp_idf" | "curl";
  title: string;
  /** For highlighting. */
  language: "sh" | "python" | "cpp" | "c";
  text: string;
}

export function deviceSnippets(input: SnippetInput): Snippet[] {
  return [
    { id: "mosquitto_pub", title: "mosquitto_pub", language: "sh", text: mosquitto(input) },
    { id: "python", title: "Python (paho-mqtt)", language: "python", text: python(input) },
    { id: "arduino", title: "Arduino (ESP32)", language: "cpp", text: arduino(input) },
    { id: "esp_idf", title: "ESP-IDF", language: "c", text: espIdf(input) },
    { id: "curl", title: "curl (HTTP)", language: "sh", text: curl(input) },
  ];
}

const VALUES = '{"temperature":21.5}';

function topicOf(device: string): string {
  return `devices/${device}/telemetry`;
}

function mosquitto(input: SnippetInput): string {
  const tls = input.authorityPem === null ? "" : " --cafile ca.pem";
  return lines(
    `mosquitto_pub -h ${shell(input.host)} -p ${input.mqttPort}${tls} \\`,
    `  -u ${shell(input.device)} -P ${shell(input.password)} -i ${shell(input.device)} \\`,
    `  -q 1 -t ${shell(topicOf(input.device))} -m ${shell(VALUES)}`,
  );
}

function curl(input: SnippetInput): string {
  const tls = input.httpOrigin.startsWith("https:") && input.authorityPem !== null;
  const url = `${input.httpOrigin}/v1/ingest/${encodeURIComponent(input.device)}`;
  return lines(
    `curl${tls ? " --cacert ca.pem" : ""} -u ${shell(`${input.device}:${input.password}`)} \\`,
    `  -H 'Content-Type: application/json' -d ${shell(`{"metrics":${VALUES}}`)} \\`,
    `  ${shell(url)}`,
  );
}

function python(input: SnippetInput): string {
  return lines(
    "# pip install paho-mqtt",
    "import json",
    "import paho.mqtt.client as mqtt",
    "",
    "client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, " +
      `client_id=${quoted(input.device)})`,
    `client.username_pw_set(${quoted(input.device)}, ${quoted(input.password)})`,
    ...input.authorityPem === null ? [] : ['client.tls_set("ca.pem")'],
    `client.connect(${quoted(input.host)}, ${input.mqttPort})`,
    "client.loop_start()",
    `sent = client.publish(${quoted(topicOf(input.device))}, ` +
      'json.dumps({"temperature": 21.5}), qos=1)',
    "sent.wait_for_publish()",
    "client.disconnect()",
  );
}

function arduino(input: SnippetInput): string {
  const client = input.authorityPem === null ? "WiFiClient" : "WiFiClientSecure";
  return lines(
    "// Library: PubSubClient",
    "#include <WiFi.h>",
    ...input.authorityPem === null ? [] : ["#include <WiFiClientSecure.h>"],
    "#include <PubSubClient.h>",
    "",
    ...authorityConstant(input.authorityPem),
    `${client} network;`,
    "PubSubClient mqtt(network);",
    "",
    "void setup() {",
    '  WiFi.begin("your network", "its password");',
    "  while (WiFi.status() != WL_CONNECTED) delay(100);",
    ...input.authorityPem === null ? [] : ["  network.setCACert(AUTHORITY);"],
    `  mqtt.setServer(${quoted(input.host)}, ${input.mqttPort});`,
    "}",
    "",
    "void loop() {",
    `  while (!mqtt.connected() && !mqtt.connect(${quoted(input.device)}, ` +
      `${quoted(input.device)}, ${quoted(input.password)})) delay(2000);`,
    `  mqtt.publish(${quoted(topicOf(input.device))}, ${quoted(VALUES)});`,
    "  mqtt.loop();",
    "  delay(10000);",
    "}",
  );
}

function espIdf(input: SnippetInput): string {
  const scheme = input.authorityPem === null ? "mqtt" : "mqtts";
  const uri = `${scheme}://${bracketed(input.host)}:${input.mqttPort}`;
  return lines(
    "// Component: esp-mqtt (in ESP-IDF); call after the network is up",
    '#include "mqtt_client.h"',
    "",
    ...authorityConstant(input.authorityPem),
    "void publish_first_reading(void) {",
    "  esp_mqtt_client_config_t config = {",
    `    .broker.address.uri = ${quoted(uri)},`,
    ...input.authorityPem === null ? [] : ["    .broker.verification.certificate = AUTHORITY,"],
    `    .credentials.username = ${quoted(input.device)},`,
    `    .credentials.client_id = ${quoted(input.device)},`,
    `    .credentials.authentication.password = ${quoted(input.password)},`,
    "  };",
    "  esp_mqtt_client_handle_t client = esp_mqtt_client_init(&config);",
    "  esp_mqtt_client_start(client);",
    `  esp_mqtt_client_enqueue(client, ${quoted(topicOf(input.device))},`,
    `                          ${quoted(VALUES)}, 0, 1, 0, true);`,
    "}",
  );
}

function authorityConstant(pem: string | null): string[] {
  if (pem === null) return [];
  const literal = pem.trim().split("\n").map((line) => `  ${quoted(line + "\n")}`);
  return ["static const char AUTHORITY[] =", `${literal.join("\n")};`, ""];
}

/** One word of a POSIX shell, whatever is in it. */
function shell(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A string literal that C, C++ and Python read alike; only printable ASCII stands as it is. */
function quoted(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return `"${Array.from(bytes, literalByte).join("")}"`;
}

/** Octal, three digits: unlike `\x`, it ends where it should in C too. */
function literalByte(byte: number): string {
  if (byte === 0x0a) return "\\n";
  if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
  // A question mark is escaped as well: "??=" and its like are trigraphs to old C compilers.
  if (byte < 0x20 || byte > 0x7e || byte === 0x3f) return `\\${byte.toString(8).padStart(3, "0")}`;
  return String.fromCharCode(byte);
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function lines(...text: string[]): string {
  return text.join("\n") + "\n";
}
