/** What one field alone cannot tell: rules between fields, sections and entries. */
import { environmentWord } from "@/config/describe.ts";
import type { Config, MqttDestinationConfig } from "@/config/schema.ts";
import { maskUrls } from "@/config/problems.ts";
import { filtersOverlap, isLoopbackHost } from "@/config/values.ts";

/** A problem without its origin; `keys` is the path of the value to look at. */
export interface Finding {
  keys: string[];
  shown: string | null;
  message: string;
  hint: string;
}

/** Names that the gateway uses itself where a destination's or source's name would stand. */
export const RESERVED_NAMES = ["all", "broker", "feed", "gateway", "history", "http", "local"];

const MQTT_PORTS: Record<string, string> = { "mqtt:": "1883", "mqtts:": "8883" };

/** Checks what was valid by itself; `names` are those of all entries, valid or not. */
export function crossCheck(
  config: Config,
  names: { destination: string[]; source: string[] },
): Finding[] {
  return [
    ...checkNames("destination", names.destination),
    ...checkNames("source", names.source),
    ...checkGateway(config),
    ...checkListeners(config),
    ...checkTls(config),
    ...checkSources(config),
    ...checkNodeNames(config),
  ];
}

function checkNames(section: "destination" | "source", names: string[]): Finding[] {
  const findings: Finding[] = [];
  const seen = new Map<string, string>();
  for (const name of names) {
    const finding = (message: string, hint: string) =>
      findings.push({ keys: [section, name, "name"], shown: JSON.stringify(name), message, hint });
    const before = seen.get(environmentWord(name));
    if (before !== undefined) {
      finding(
        before === name ? "is used twice" : `differs too little from ${JSON.stringify(before)}`,
        "give each entry a name of its own; case, - and _ do not count",
      );
    }
    if (RESERVED_NAMES.includes(name)) finding("is reserved", "choose another name");
    seen.set(environmentWord(name), name);
  }
  return findings;
}

function checkGateway(config: Config): Finding[] {
  const findings: Finding[] = [];
  if (config.http.metrics === "token" && config.http.metrics_token === null) {
    findings.push({
      keys: ["http", "metrics_token"],
      shown: null,
      message: 'is missing while http.metrics is "token"',
      hint: "set http.metrics_token, best by SLUICE_HTTP__METRICS_TOKEN_FILE",
    });
  }
  const first = config.fanout.prefix.split("/")[0]!;
  if (["devices", "device", "gateways"].includes(first)) {
    findings.push({
      keys: ["fanout", "prefix"],
      shown: JSON.stringify(config.fanout.prefix),
      message: "is where devices publish their telemetry",
      hint: 'choose another first level, for example "iiot"',
    });
  }
  return findings;
}

/** Two listeners on one port; port 0 is a free one each time. */
function checkListeners({ http, mqtt, tls }: Config): Finding[] {
  const listeners: [keys: string[], at: { port: number } | null][] = [
    [["http", "listen"], http.listen],
    [["mqtt", "listen"], mqtt.listen],
    [["tls", "https_listen"], tls.mode === "off" ? null : tls.https_listen],
    [["tls", "mqtts_listen"], tls.mode === "off" ? null : tls.mqtts_listen],
  ];
  const findings: Finding[] = [];
  const taken = new Map<number, string>();
  for (const [keys, at] of listeners) {
    if (at === null || at.port === 0) continue;
    const other = taken.get(at.port);
    if (other !== undefined) {
      findings.push({
        keys,
        shown: String(at.port),
        message: `has the same port as ${other}`,
        hint: "give each its own port; MQTT over WebSocket is at /mqtt of the HTTP port anyway",
      });
    }
    taken.set(at.port, keys.join("."));
  }
  return findings;
}

function checkTls({ tls }: Config): Finding[] {
  if ((tls.certificate === null) === (tls.key === null)) return [];
  const missing = tls.certificate === null ? "certificate" : "key";
  const given = missing === "key" ? "certificate" : "key";
  return [{
    keys: ["tls", missing],
    shown: null,
    message: `is missing while tls.${given} is set`,
    hint: "give both files, or neither to use the gateway's own",
  }];
}

function checkSources(config: Config): Finding[] {
  const findings: Finding[] = [];
  const brokers = config.destination.filter((item) => item.type === "mqtt");
  const paths = new Map<string, string>();
  for (const source of config.source) {
    if (source.type === "serial") {
      const other = paths.get(source.path);
      if (other !== undefined) findings.push(samePath(source, other));
      paths.set(source.path, source.name);
      continue;
    }
    const at = (key: string) => ["source", source.name, key];
    if (source.share !== null && source.protocol !== "5.0") {
      const shown = JSON.stringify(source.share);
      const hint = 'set protocol = "5.0" or remove share';
      findings.push({ keys: at("share"), shown, message: "needs protocol 5.0", hint });
    }
    if (isOwnBroker(source.url, config)) {
      findings.push({
        keys: at("url"),
        shown: maskUrls(JSON.stringify(source.url)),
        message: "is this gateway's own broker, every message would be taken twice",
        hint: "remove the source: what is published there is taken in anyway",
      });
    }
    const loops = brokers.filter((item) => sameBroker(item.url, source.url));
    findings.push(...loops.flatMap((item) => loopFindings(source.name, source.topics, item)));
  }
  return findings;
}

function samePath(source: { name: string; path: string }, other: string): Finding {
  return {
    keys: ["source", source.name, "path"],
    shown: JSON.stringify(source.path),
    message: `is read by source ${JSON.stringify(other)} already`,
    hint: "a line can have one reader: remove one of the two",
  };
}

/** A message forwarded to a broker and taken in again from there would go round for ever. */
function loopFindings(
  name: string,
  topics: string[],
  destination: MqttDestinationConfig,
): Finding[] {
  const written = `${destination.prefix}/#`;
  return topics.filter((topic) => filtersOverlap(topic, written)).map((topic) => ({
    keys: ["source", name, "topics"],
    shown: JSON.stringify(topic),
    message: `takes in again what destination ${JSON.stringify(destination.name)} writes to ` +
      `${JSON.stringify(written)} on the same broker`,
    hint: `narrow the topics, for example "devices/#", or change the destination's prefix`,
  }));
}

/** Node names must not make two different senders one device. */
function checkNodeNames(config: Config): Finding[] {
  const findings: Finding[] = [];
  const owners = new Map<string, string>();
  const claim = (keys: string[], device: string, owner: string) => {
    const other = owners.get(device);
    const shown = JSON.stringify(device);
    const hint = "give each node a device name of its own";
    if (other !== undefined && other !== owner) {
      findings.push({ keys, shown, message: `is the name of ${other} already`, hint });
    }
    owners.set(device, owner);
  };
  for (const [receiver, nodes] of Object.entries(config.normalize.receivers)) {
    for (const [node, device] of Object.entries(nodes)) {
      claim(["normalize", "receivers", receiver], device, `node ${node} of receiver ${receiver}`);
    }
  }
  for (const source of config.source) {
    if (source.type !== "serial") continue;
    for (const [node, device] of Object.entries(source.nodes)) {
      const owner = `node ${node} of receiver ${source.receiver}`;
      claim(["source", source.name, "nodes"], device, owner);
    }
  }
  return findings;
}

function brokerOf(url: string): { host: string; port: string } {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.toLowerCase(), port: port || (MQTT_PORTS[protocol] ?? "") };
}

/** TLS and plain port of one host are two doors of one broker. */
function sameBroker(first: string, second: string): boolean {
  const a = brokerOf(first);
  const b = brokerOf(second);
  const ports = new Set([a.port, b.port]);
  const sameHost = a.host === b.host || (isLoopbackHost(a.host) && isLoopbackHost(b.host));
  return sameHost && (ports.size === 1 || (ports.has("1883") && ports.has("8883")));
}

function isOwnBroker(url: string, config: Config): boolean {
  const { host, port } = brokerOf(url);
  const own = config.mqtt.listen;
  return own !== null && own.port !== 0 && port === String(own.port) &&
    (isLoopbackHost(host) || host === own.hostname.toLowerCase());
}
