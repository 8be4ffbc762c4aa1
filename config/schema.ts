/**
 * The one place where the configuration is defined. Types, defaults, checks, `config init`, the
 * reference page, environment names, masking and reload behaviour all follow from it.
 *
 * Keys are written as in the file. In a parsed `Config` durations are milliseconds, sizes are bytes,
 * listen addresses are `{ hostname, port }`; what may be left out is null.
 */
import { z } from "zod";
import {
  choice,
  duration,
  flag,
  integer,
  listen,
  optionalDuration,
  optionalListen,
  optionalText,
  section,
  size,
  table,
  text,
  textList,
  topicFilters,
  url,
} from "@/config/fields.ts";
import type { Parsed } from "@/config/values.ts";

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const NAME_RULE = "use 1 to 64 letters, digits, _ or -";
const ENTRY_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const ENTRY_NAME_RULE = "start with a letter, then up to 63 letters, digits, _ or -";
const TOPIC_PREFIX = /^[^+#$/\s][^+#\s]*$/;
const TOPIC_PREFIX_RULE = "use topic levels without wildcards, spaces or a leading / or $";
const MINUTE_MS = 60_000;

const gateway = section({
  id: text({
    text: "Name of this gateway in every copy of a message (column and tag gateway).",
    default: "sluice",
    pattern: NAME,
    rule: NAME_RULE,
  }),
  location: optionalText({
    text: "Where the gateway stands; a destination may write it as tag location.",
    lengthMax: 64,
    example: "greenhouse-2",
  }),
});

const http = section({
  listen: listen({
    text: "Address of pages, API, ingest and /mqtt; port 0 picks a free one.",
    default: "0.0.0.0:8000",
  }),
  connections_max: integer({
    text:
      "Requests that wait for their answer at a time, more get 503; on the TLS port also open " +
      "connections, more are closed at once.",
    default: 1000,
    min: 1,
    max: 100_000,
  }),
  body_bytes_max: size({
    text: "Largest body of one ingest request; a larger one gets 413.",
    default: "64KiB",
    min: 1024,
    max: 64 * 2 ** 20,
    reload: "live",
  }),
  batch_body_bytes_max: size({
    text: "Largest body of one NDJSON batch; a larger one gets 413.",
    default: "1MiB",
    min: 1024,
    max: 64 * 2 ** 20,
    reload: "live",
  }),
  batch_lines_max: integer({
    text: "Lines of one NDJSON batch; more get 413.",
    default: 5000,
    min: 1,
    max: 100_000,
    reload: "live",
  }),
  request_timeout: duration({
    text: "How long a request may take to arrive; a slower one gets 408.",
    default: "30s",
    min: 1000,
    max: 10 * MINUTE_MS,
  }),
  credential_requests_max: integer({
    text: "Ingest requests per second of one credential, 0 for no limit; above it 429.",
    default: 1000,
    reload: "live",
  }),
  address_requests_max: integer({
    text: "Ingest requests per second of one client address, 0 for no limit; above it 429.",
    default: 5000,
    reload: "live",
  }),
  streams_max: integer({
    text: "Live streams (SSE) open at a time; more get 503.",
    default: 200,
    max: 10_000,
    reload: "live",
  }),
  public_url: optionalText({
    text: "Address under which others reach the pages, where this machine's own name and port " +
      "are not it (a reverse proxy); used in the claim link and in snippets for devices.",
    pattern: /^https?:\/\/[^\s/]+(\/[^\s?#]*)?$/,
    rule: "write http:// or https://, a host, and where needed a port and a path",
    lengthMax: 256,
    example: "https://iot.example.com",
    reload: "live",
  }),
  metrics: choice(["loopback", "token", "open"], {
    text: "Who may read /metrics: this machine, whoever brings metrics_token, or everybody.",
    default: "loopback",
    reload: "live",
  }),
  metrics_token: optionalText({
    text: "Bearer token for /metrics; this machine needs none.",
    secret: true,
    reload: "live",
    example: "a-long-random-text",
  }),
});

const mqtt = section({
  listen: optionalListen({
    text: 'Address of the embedded broker; port 0 picks a free one, "off" starts none.',
    default: "0.0.0.0:1883",
  }),
  anonymous: choice(["auto", "always", "never"], {
    text: "Clients without credentials. auto: from this machine only, and only until the first " +
      "device credential exists (HTTP ingest follows the same rule).",
    default: "auto",
    reload: "live",
  }),
  connections_max: integer({
    text: "Open MQTT connections; more are closed at once (5.0: reason 0x97).",
    default: 10_000,
    min: 1,
    max: 100_000,
  }),
  connecting_max: integer({
    text: "Connections that have not sent CONNECT yet; the oldest is closed for a new one.",
    default: 500,
    min: 1,
    max: 100_000,
  }),
  connect_timeout: duration({
    text: "How long a connection may wait with its CONNECT; then it is closed.",
    default: "10s",
    min: 100,
    max: 10 * MINUTE_MS,
  }),
  keep_alive_max: duration({
    text: "Longest keep alive; a 5.0 client that asks for more or none is told this one.",
    default: "1h",
    min: 1000,
    max: 65_535_000,
  }),
  packet_bytes_max: size({
    text: "Largest packet; a larger one closes its connection (5.0: reason 0x95).",
    default: "4MiB",
    min: 1024,
    max: 256 * 2 ** 20,
  }),
  output_bytes_max: size({
    text:
      "Bytes that wait for one slow client; QoS 0 above it is dropped, QoS 1 and 2 stay queued.",
    default: "4MiB",
    min: 64 * 1024,
    max: 2 ** 30,
  }),
  receive_max: integer({
    text: "Unacknowledged QoS 1 and 2 messages of one client in each direction.",
    default: 1024,
    min: 1,
    max: 65_535,
  }),
  topic_alias_max: integer({
    text: "Topic aliases of one 5.0 client.",
    default: 64,
    max: 65_535,
  }),
  topic_levels_max: integer({
    text: "Levels of a topic name or filter; a deeper one is refused.",
    default: 64,
    min: 4,
    max: 1024,
  }),
  session_subscriptions_max: integer({
    text: "Subscriptions of one session; more are refused (SUBACK 0x97 or 0x80).",
    default: 1000,
    min: 1,
    max: 1_000_000,
  }),
  sessions_max: integer({
    text: "Kept sessions; the one that is offline longest is ended for a new one.",
    default: 20_000,
    min: 1,
    max: 1_000_000,
  }),
  session_expiry_max: duration({
    text: "Longest life of a session without its client.",
    default: "30d",
    min: 1000,
  }),
  session_queue_messages_max: integer({
    text: "Messages kept for one offline session; the oldest is dropped and counted.",
    default: 10_000,
    min: 1,
    max: 10_000_000,
  }),
  session_queue_bytes_max: size({
    text: "Bytes kept for one offline session; the oldest message is dropped and counted.",
    default: "16MiB",
    min: 1024,
  }),
  retained_messages_max: integer({
    text: "Retained messages; a new topic above it is not retained, and counted.",
    default: 200_000,
    max: 10_000_000,
  }),
  retained_bytes_max: size({
    text: "Bytes of retained messages; what would exceed it is not retained, and counted.",
    default: "64MiB",
  }),
});

const tls = section({
  mode: choice(["auto", "off"], {
    text: "auto: HTTPS and MQTT over TLS are on as soon as there is a certificate, the one below " +
      'or the own one of "sluice cert server".',
    default: "auto",
  }),
  https_listen: optionalListen({
    text: 'Address of pages and API over TLS; port 0 picks a free one, "off" starts none.',
    default: "0.0.0.0:8443",
  }),
  mqtts_listen: optionalListen({
    text: 'Address of the broker over TLS; port 0 picks a free one, "off" starts none.',
    default: "0.0.0.0:8883",
  }),
  certificate: optionalText({
    text: "PEM file of the server's certificate and the ones above it; else the own one. " +
      "A changed file is taken up within seconds.",
    example: "/etc/sluice/server.pem",
    reload: "live",
  }),
  key: optionalText({
    text: "PEM file of its private key, not encrypted.",
    example: "/etc/sluice/server.key",
    reload: "live",
  }),
  client_authority: optionalText({
    text: "PEM file of the authorities that sign client certificates of devices; else the own " +
      "one. A certificate opens nothing unless it is bound to its device as well.",
    example: "/etc/sluice/devices-ca.pem",
    reload: "live",
  }),
});

const auth = section({
  auto_registration: choice(["off", "ask", "on"], {
    text: "Devices that nobody registered. off: refused. ask: refused and listed until an " +
      "operator lets them in. on: the first one that brings an id owns it.",
    default: "off",
    reload: "live",
  }),
});

const fanout = section({
  enabled: flag({
    text: "Publish every reading to local subscribers as {prefix}/{device}/{measurement}.",
    default: true,
    reload: "live",
  }),
  prefix: text({
    text: "First level of the topics of readings and of {prefix}/gateway/status.",
    default: "iiot",
    pattern: TOPIC_PREFIX,
    rule: TOPIC_PREFIX_RULE,
    lengthMax: 128,
  }),
});

const storage = section({
  durability: choice(["full", "relaxed"], {
    text: "full: an accepted message survives power loss. relaxed: it survives a killed process, " +
      "but power loss may take the last commits.",
    default: "full",
  }),
  linger_ms: integer({
    text: "How long a commit may wait for more messages, ms; 0 commits at once.",
    default: 2,
    max: 1000,
  }),
  queue_bytes_max: size({
    text: "Bytes that may wait for destinations; at the limit when_full decides.",
    default: "4GB",
    min: 2 ** 20,
    reload: "live",
  }),
  free_bytes_min: size({
    text: "Free space to leave on the disk; below it new data is refused.",
    default: "256MB",
    reload: "live",
  }),
  when_full: choice(["refuse", "drop_oldest"], {
    text: "At queue_bytes_max: refuse new data (senders keep it), or drop the oldest and count it.",
    default: "refuse",
    reload: "live",
  }),
  keep: duration({
    text: "How long delivered messages stay readable.",
    default: "7d",
    reload: "live",
  }),
  keep_bytes_max: size({
    text: "Bytes of delivered messages kept; the oldest go first.",
    default: "2GB",
    reload: "live",
  }),
  source_dead_max: integer({
    text: "Undecodable inputs kept for inspection; the oldest go first.",
    default: 10_000,
    min: 1,
    max: 10_000_000,
    reload: "live",
  }),
});

const history = section({
  readings_keep: duration({
    text: "How long every single reading and prediction is kept for charts.",
    default: "30d",
    min: MINUTE_MS,
    reload: "live",
  }),
  minutes_keep: duration({
    text: "How long the 1-minute means, minima and maxima are kept.",
    default: "365d",
    min: MINUTE_MS,
    reload: "live",
  }),
  hours_keep: duration({
    text: "How long the 1-hour means, minima and maxima are kept.",
    default: "3650d",
    min: MINUTE_MS,
    reload: "live",
  }),
});

/** Ranges that hold unless the file has others for the same measurement. */
const PLAUSIBLE: Record<string, [min: number, max: number]> = {
  temperature: [-40, 85],
  humidity: [0, 100],
  pressure: [300, 1100],
};

const normalize = section({
  plausible: table<[min: number, max: number]>({
    text: "Closed range per measurement; a value outside is kept and flagged implausible. " +
      "A range given here replaces the built-in one of its measurement; [-inf, inf] turns it off.",
    kind: "table of [min, max]",
    default: PLAUSIBLE,
    base: PLAUSIBLE,
    parseEntry: parseRange,
    reload: "live",
  }),
  units: table<string>({
    text: "Unit per measurement, over the built-in table of well-known ones.",
    kind: "table of texts",
    default: {},
    parseEntry: parseName,
    reload: "live",
    example: { soil_moisture: "percent" },
  }),
  device_units: table<Record<string, string>>({
    text: "Unit per device and measurement, over all others.",
    kind: "table of tables of texts",
    default: {},
    parseEntry: (value) => parseNames(value),
    reload: "live",
    example: { "oven-1": { temperature: "fahrenheit" } },
  }),
  receivers: table<Record<string, string>>({
    text: "Device names for the nodes of a LoRa receiver; without an entry the first receiver's " +
      "keep node1, node2, signal, stats, another one's are prefixed with its id.",
    kind: "table of tables of texts",
    default: {},
    parseEntry: (value) => parseNodes(value),
    reload: "live",
    example: { N3: { node1: "greenhouse", node2: "barn" } },
  }),
  late_after: duration({
    text: "Readings that arrive later than this after their own time are flagged late.",
    default: "10m",
    reload: "live",
  }),
});

const log = section({
  level: choice(["debug", "info", "warning", "error"], {
    text: "Least important lines to write.",
    default: "info",
    reload: "live",
  }),
  format: choice(["json", "text"], {
    text: "One JSON object a line for machines, or text for people.",
    default: "json",
    reload: "live",
  }),
});

const filter = section({
  devices: textList({
    text: "Devices to write, * stands for any characters; empty means all.",
    default: [],
    reload: "live",
    example: ["greenhouse-*"],
  }),
  measurements: textList({
    text: "Measurements to write, * stands for any characters; empty means all.",
    default: [],
    reload: "live",
    example: ["temperature", "humidity"],
  }),
});

const destinationName = text({
  text: "Unique name; the ledger and the queue belong to it.",
  pattern: ENTRY_NAME,
  rule: ENTRY_NAME_RULE,
  example: "cloud",
  reload: "live",
});

const tlsCa = optionalText({
  text: "PEM file of the authority that signed the server's certificate; else the system's.",
  example: "/etc/sluice/ca.pem",
  reload: "live",
});

/** The keys of every destination. */
function destinationKeys(defaults: { batch: number; batchMax: number; lingerMs: number }) {
  return {
    enabled: flag({
      text: "false keeps queueing for it and sends nothing.",
      default: true,
      reload: "live",
    }),
    batch_messages_max: integer({
      text: "Messages of one write.",
      default: defaults.batch,
      min: 1,
      max: defaults.batchMax,
      reload: "live",
    }),
    linger_ms: integer({
      text: "How long a write may wait for more messages, ms.",
      default: defaults.lingerMs,
      max: 60_000,
      reload: "live",
    }),
    timeout_ms: integer({
      text: "How long one write may take, ms; then it is tried again later.",
      default: 30_000,
      min: 100,
      max: 600_000,
      reload: "live",
    }),
    max_age: optionalDuration({
      text: "Older messages are not sent any more but counted expired; off keeps all.",
      default: "off",
      reload: "live",
    }),
    retention: optionalDuration({
      text: "How long the destination shall keep data, where it can be told; off leaves it alone.",
      default: "off",
      reload: "live",
      example: "365d",
    }),
    filter,
  };
}

const postgres = z.strictObject({
  name: destinationName,
  type: z.literal("postgres"),
  url: url(["postgres", "postgresql"], {
    text: "Server, user, password and database.",
    example: "postgres://sluice:PASSWORD@db.example/sluice",
    reload: "live",
  }),
  password: optionalText({
    text: "Password, where it shall not stand in the URL.",
    secret: true,
    reload: "live",
    example: "PASSWORD",
  }),
  tls: choice(["auto", "off", "verify", "insecure"], {
    text: "verify checks the server's certificate, insecure only encrypts. auto: off on this " +
      "machine, verify to any other.",
    default: "auto",
    reload: "live",
  }),
  tls_ca: tlsCa,
  ...destinationKeys({ batch: 2000, batchMax: 20_000, lingerMs: 50 }),
});

const influxdb = z.strictObject({
  name: destinationName,
  type: z.literal("influxdb"),
  url: url(["http", "https"], {
    text: "Server; /api/v2/write is added.",
    example: "https://influx.example:8086",
    reload: "live",
  }),
  org: text({ text: "Organisation.", example: "home", lengthMax: 256, reload: "live" }),
  bucket: text({ text: "Bucket.", example: "sensors", lengthMax: 256, reload: "live" }),
  token: text({
    text: "Token with the right to write.",
    secret: true,
    reload: "live",
    example: "TOKEN",
  }),
  tls_ca: tlsCa,
  tags: textList({
    text: "Tags to add to each point: gateway, location.",
    default: [],
    check: (item) => ["gateway", "location"].includes(item) ? null : "is not gateway or location",
    reload: "live",
    example: ["gateway", "location"],
  }),
  ...destinationKeys({ batch: 5000, batchMax: 20_000, lingerMs: 50 }),
});

/** The login at an outside broker. */
const brokerLogin = {
  username: optionalText({ text: "User at the broker.", example: "sluice", reload: "live" }),
  password: optionalText({
    text: "Password at the broker.",
    secret: true,
    reload: "live",
    example: "PASSWORD",
  }),
  client_id: optionalText({
    text:
      "Client id; else one is made of the gateway's id and this name. Two clients with one id " +
      "disconnect each other.",
    lengthMax: 128,
    reload: "live",
    example: "sluice-1",
  }),
  tls_ca: tlsCa,
};

const mqttDestination = z.strictObject({
  name: destinationName,
  type: z.literal("mqtt"),
  url: url(["mqtt", "mqtts"], {
    text: "Broker.",
    example: "mqtts://broker.example:8883",
    reload: "live",
  }),
  ...brokerLogin,
  prefix: text({
    text: "First level of the topics.",
    default: "iiot",
    pattern: TOPIC_PREFIX,
    rule: TOPIC_PREFIX_RULE,
    lengthMax: 128,
    reload: "live",
  }),
  qos: choice([0, 1, 2], {
    text: "Quality of service; 0 may lose what is on the way.",
    default: 1,
    reload: "live",
  }),
  ...destinationKeys({ batch: 500, batchMax: 10_000, lingerMs: 10 }),
});

const sourceName = text({
  text: "Unique name; shown with every message that it brought.",
  pattern: ENTRY_NAME,
  rule: ENTRY_NAME_RULE,
  example: "receiver",
  reload: "live",
});

const serialSource = z.strictObject({
  name: sourceName,
  type: z.literal("serial"),
  enabled: flag({ text: "false does not start it.", default: true, reload: "live" }),
  path: text({
    text: "Device file; a path below /dev/serial/by-id stays the same over unplugging.",
    pattern: /^\/[^\0]+$/,
    rule: "write an absolute path",
    example: "/dev/ttyACM0",
    reload: "live",
  }),
  baud: integer({
    text: "Speed of the line, bit/s.",
    default: 115_200,
    min: 50,
    max: 4_000_000,
    reload: "live",
  }),
  receiver: text({
    text: "Id of the receiver on the line, for packets that carry none.",
    pattern: NAME,
    rule: NAME_RULE,
    example: "N2",
    reload: "live",
  }),
  nodes: table<string>({
    text: "Device names for this receiver's nodes, as normalize.receivers.",
    kind: "table of texts",
    default: {},
    parseEntry: parseNodeName,
    example: { node1: "greenhouse" },
    reload: "live",
  }),
});

const mqttSource = z.strictObject({
  name: sourceName,
  type: z.literal("mqtt"),
  enabled: flag({ text: "false does not start it.", default: true, reload: "live" }),
  url: url(["mqtt", "mqtts"], {
    text: "Broker.",
    example: "mqtt://broker.example:1883",
    reload: "live",
  }),
  topics: topicFilters({
    text: "Topic filters to subscribe to.",
    example: ["devices/#", "gateways/+/packet"],
    reload: "live",
  }),
  share: optionalText({
    text: "Group of gateways that divide the messages among them (MQTT 5 shared subscription).",
    pattern: /^[^+#/]+$/,
    rule: "use a name without +, # and /",
    lengthMax: 128,
    example: "sluice",
    reload: "live",
  }),
  ...brokerLogin,
  qos: choice([0, 1, 2], {
    text: "Quality of service to ask for; with 0 the broker may lose messages.",
    default: 1,
    reload: "live",
  }),
  protocol: choice(["5.0", "3.1.1"], {
    text: "Version to speak; share needs 5.0.",
    default: "5.0",
    reload: "live",
  }),
  unacknowledged_max: integer({
    text: "Messages taken and not committed yet; then the broker waits.",
    default: 1000,
    min: 1,
    max: 65_535,
    reload: "live",
  }),
});

/** The whole file. Sections may be absent, all their fields have defaults. */
export const configSchema = z.strictObject({
  gateway,
  http,
  mqtt,
  tls,
  auth,
  fanout,
  storage,
  history,
  normalize,
  log,
  destination: z.array(z.discriminatedUnion("type", [postgres, influxdb, mqttDestination]))
    .prefault([]),
  source: z.array(z.discriminatedUnion("type", [serialSource, mqttSource])).prefault([]),
});

export type Config = z.output<typeof configSchema>;
export type DestinationConfig = Config["destination"][number];
export type PostgresConfig = Extract<DestinationConfig, { type: "postgres" }>;
export type InfluxdbConfig = Extract<DestinationConfig, { type: "influxdb" }>;
export type MqttDestinationConfig = Extract<DestinationConfig, { type: "mqtt" }>;
export type SourceConfig = Config["source"][number];
export type SerialSourceConfig = Extract<SourceConfig, { type: "serial" }>;
export type MqttSourceConfig = Extract<SourceConfig, { type: "mqtt" }>;

/** What each section is for; heads the sections of `config init` and of the reference. */
export const SECTION_TEXTS: Record<keyof Config, string> = {
  gateway: "The gateway itself.",
  http: "Pages, API, HTTP ingest, /metrics.",
  mqtt: "The embedded MQTT broker and its limits.",
  tls: "Encryption: HTTPS, MQTT over TLS, client certificates.",
  auth: "Who may come in.",
  fanout: "Readings for local MQTT subscribers.",
  storage: "The durable log.",
  history: "Local history for charts.",
  normalize: "How messages become readings.",
  log: "The gateway's own log, on standard error.",
  destination: "Where messages go. Any number, each with its own queue.",
  source: "Where messages come from besides the embedded broker and HTTP. Any number.",
};

/** Devices that LoRa packets and the gateway itself publish under. */
export const RESERVED_DEVICES = ["node1", "node2", "signal", "stats", "gateway"];

/** Nodes of a LoRa packet. */
const NODES = RESERVED_DEVICES.slice(0, 4);

function parseRange(value: unknown): Parsed<[min: number, max: number]> {
  const valid = Array.isArray(value) && value.length === 2 &&
    value.every((bound) => typeof bound === "number" && !Number.isNaN(bound)) &&
    value[0] <= value[1];
  return valid
    ? { value: [value[0], value[1]] }
    : { message: "is not a range", hint: "write [min, max], for example [-40, 85]" };
}

function parseName(value: unknown): Parsed<string> {
  return typeof value === "string" && /^[^\s"\\]{1,64}$/.test(value)
    ? { value }
    : { message: "is not a name", hint: "write 1 to 64 characters without spaces" };
}

function parseNames(value: unknown): Parsed<Record<string, string>> {
  return parseEntries(value, parseName);
}

function parseNodes(value: unknown): Parsed<Record<string, string>> {
  return parseEntries(value, parseNodeName);
}

function parseNodeName(value: unknown, key: string): Parsed<string> {
  if (!NODES.includes(key)) {
    return { message: "is not a node of a packet", hint: `use ${NODES.join(", ")} as keys` };
  }
  return typeof value === "string" && NAME.test(value) && value !== "gateway"
    ? { value }
    : { message: "is not a device name", hint: NAME_RULE };
}

function parseEntries(
  value: unknown,
  parse: (value: unknown, key: string) => Parsed<string>,
): Parsed<Record<string, string>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { message: "is not a table", hint: 'write { key = "value" }' };
  }
  const result: Record<string, string> = {};
  for (const [key, entry] of Object.entries(value)) {
    const parsed = parse(entry, key);
    if (!("value" in parsed)) {
      return {
        message: `has the entry ${JSON.stringify(key)}, which ${parsed.message}`,
        hint: parsed.hint,
      };
    }
    result[key] = parsed.value;
  }
  return { value: result };
}
