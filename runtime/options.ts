/** Configuration → the options of each part, in each part's own words. */
import type {
  Config,
  DestinationConfig,
  MqttSourceConfig,
  SerialSourceConfig,
} from "@/config/schema.ts";
import { normalizeRules } from "@/config/rules.ts";
import type { CommonOptions, DestinationOptions, TlsOptions } from "@/forward/forward_types.ts";
import type { SerialOptions } from "@/ingest/serial_source.ts";
import type { SubscriberOptions } from "@/ingest/subscriber_source.ts";
import type { Boot } from "@/runtime/machine.ts";
import { BUILD_TIME_MS } from "@/model/build.ts";
import { ConfigError } from "@/model/errors.ts";
import { type BrokerLimits, DEFAULT_LIMITS } from "@/mqtt/limits.ts";
import type { StoreOptions } from "@/store/store_types.ts";

/** Sessions at an outside broker outlive a gateway that is off for a while. */
const SESSION_EXPIRY_SECONDS = 7 * 24 * 3600;
const KEEP_ALIVE_SECONDS = 30;
const CONNECT_TIMEOUT_MS = 10_000;

export function destinationOptions(
  config: Config,
  readTextFile: (path: string) => string,
): DestinationOptions[] {
  return config.destination.map((destination) => {
    const tls = tlsOptions(destination, readTextFile);
    const common = commonOptions(destination, { gatewayId: config.gateway.id, tls });
    return specificOptions(destination, { common, config });
  });
}

function commonOptions(
  destination: DestinationConfig,
  { gatewayId, tls }: { gatewayId: string; tls: TlsOptions },
): CommonOptions {
  return {
    name: destination.name,
    batchMessagesMax: destination.batch_messages_max,
    lingerMs: destination.linger_ms,
    timeoutMs: destination.timeout_ms,
    maxAgeMs: destination.max_age,
    retentionMs: destination.retention,
    filter: destination.filter,
    gatewayId,
    tls,
  };
}

function specificOptions(
  destination: DestinationConfig,
  { common, config }: { common: CommonOptions; config: Config },
): DestinationOptions {
  switch (destination.type) {
    case "postgres":
      return {
        ...common,
        type: "postgres",
        url: destination.url,
        password: destination.password,
      };
    case "influxdb":
      return {
        ...common,
        type: "influxdb",
        url: destination.url,
        org: destination.org,
        bucket: destination.bucket,
        token: destination.token,
        gatewayId: destination.tags.includes("gateway") ? config.gateway.id : null,
        location: destination.tags.includes("location") ? config.gateway.location : null,
      };
    case "mqtt":
      return {
        ...common,
        type: "mqtt",
        url: destination.url,
        username: destination.username,
        password: destination.password,
        prefix: destination.prefix,
        qos: destination.qos,
        clientId: destination.client_id ?? `sluice-${config.gateway.id}-${destination.name}`,
      };
  }
}

function tlsOptions(
  destination: DestinationConfig,
  readTextFile: (path: string) => string,
): TlsOptions {
  return {
    mode: destination.type === "postgres" ? destination.tls : "auto",
    ca: readCa(destination.tls_ca, readTextFile),
  };
}

/** @throws ConfigError when the file cannot be read */
function readCa(path: string | null, readTextFile: (path: string) => string): string | null {
  if (path === null) return null;
  try {
    return readTextFile(path);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Cannot read tls_ca "${path}": ${words}`, {
      code: "CFG-0201",
      hint: "name a PEM file that the gateway's user may read",
      cause,
    });
  }
}

export function serialOptions(source: SerialSourceConfig): SerialOptions {
  const { name, path, baud, receiver } = source;
  return { name, path, baud, receiver };
}

export function subscriberOptions(
  source: MqttSourceConfig,
  { gatewayId, packetBytesMax, readTextFile }: {
    gatewayId: string;
    packetBytesMax: number;
    readTextFile: (path: string) => string;
  },
): SubscriberOptions {
  const url = new URL(source.url);
  const secure = url.protocol === "mqtts:";
  const filters = source.topics.map((topic) => {
    return source.share === null ? topic : `$share/${source.share}/${topic}`;
  });
  return {
    name: source.name,
    gatewayId,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (secure ? 8883 : 1883) : Number(url.port),
    tls: secure ? { ca: readCa(source.tls_ca, readTextFile) } : null,
    version: source.protocol === "5.0" ? 5 : 4,
    clientId: source.client_id ?? `sluice-${gatewayId}-${source.name}`,
    username: source.username,
    password: source.password,
    filters,
    qos: source.qos,
    unacknowledgedMax: source.unacknowledged_max,
    packetBytesMax,
    keepAliveSeconds: KEEP_ALIVE_SECONDS,
    sessionExpirySeconds: SESSION_EXPIRY_SECONDS,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  };
}

export function brokerLimits({ mqtt }: Config): BrokerLimits {
  return {
    ...DEFAULT_LIMITS,
    connectionsMax: mqtt.connections_max,
    halfOpenMax: mqtt.connecting_max,
    connectTimeoutMs: mqtt.connect_timeout,
    keepAliveSecondsMax: Math.floor(mqtt.keep_alive_max / 1000),
    packetBytesMax: mqtt.packet_bytes_max,
    outboundBytesMax: mqtt.output_bytes_max,
    receiveMaximum: mqtt.receive_max,
    topicAliasMaximum: mqtt.topic_alias_max,
    topicLevelsMax: mqtt.topic_levels_max,
    subscriptionsPerSessionMax: mqtt.session_subscriptions_max,
    sessionsMax: mqtt.sessions_max,
    sessionExpirySecondsMax: Math.floor(mqtt.session_expiry_max / 1000),
    queuedMessagesMax: mqtt.session_queue_messages_max,
    queuedBytesMax: mqtt.session_queue_bytes_max,
    retainedMessagesMax: mqtt.retained_messages_max,
    retainedBytesMax: mqtt.retained_bytes_max,
  };
}

export function storeOptions(
  config: Config,
  { dataDir, boot }: { dataDir: string; boot: Boot },
): StoreOptions {
  const { storage, history } = config;
  return {
    dataDir,
    durability: storage.durability,
    lingerMs: storage.linger_ms,
    queueBytesMax: storage.queue_bytes_max,
    freeBytesMin: storage.free_bytes_min,
    whenFull: storage.when_full,
    keepMs: storage.keep,
    keepBytesMax: storage.keep_bytes_max,
    sourceDeadMax: storage.source_dead_max,
    history: {
      readingsKeepMs: history.readings_keep,
      minutesKeepMs: history.minutes_keep,
      hoursKeepMs: history.hours_keep,
    },
    normalize: normalizeRules(config),
    buildTimeMs: BUILD_TIME_MS,
    boot,
  };
}
