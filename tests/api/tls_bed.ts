/** A gateway with its own authority, HTTPS and MQTT over TLS, and clients of every kind of certificate. */
import { request } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { CertificatePair } from "@/auth/certificate_authority.ts";
import { certificateInfo } from "@/auth/certificate_info.ts";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import { GatewayOperations } from "@/runtime/operations.ts";
import { GatewayBed } from "@/tests/api/gateway_bed.ts";

const by = LOCAL_ACTOR;

export const TLS_CONFIG = '[tls]\nhttps_listen = "127.0.0.1:0"\nmqtts_listen = "127.0.0.1:0"\n';

export interface SecureAnswer {
  status: number;
  code: string | null;
}

/** Where a client says it comes from. */
export interface SecureAsked {
  pair?: CertificatePair | null;
  headers?: Record<string, string>;
}

export class TlsGatewayBed implements AsyncDisposable {
  readonly bed: GatewayBed;
  /** PEM of the authority that clients trust. */
  ca: string;

  private constructor(bed: GatewayBed, ca: string) {
    this.bed = bed;
    this.ca = ca;
  }

  static async start(config = "", options: { people?: boolean } = {}): Promise<TlsGatewayBed> {
    const bed = await GatewayBed.start(TLS_CONFIG + config, options);
    const access = await new GatewayOperations(bed.gateway).access();
    await access.certAuthority({ replace: false });
    await access.certServer({ names: ["localhost", "127.0.0.1"] });
    const { certificate } = bed.gateway.auth.certificates.authorityPaths;
    return new TlsGatewayBed(bed, await Deno.readTextFile(certificate));
  }

  get https(): string {
    return `https://${this.bed.gateway.addresses.https}`;
  }

  /** A certificate of our authority that is bound to its device. */
  async device(id: string): Promise<CertificatePair> {
    const access = await new GatewayOperations(this.bed.gateway).access();
    const { certificate, key } = await access.certDevice(id, {});
    return { certificate, key };
  }

  /** A certificate of our authority that is bound to nothing. */
  async unbound(id: string): Promise<CertificatePair> {
    return await (await this.bed.gateway.auth.certificates.authority()).issueDevice(id);
  }

  /** Writes a certificate into the device's row, whatever it says itself. */
  async bind(id: string, { certificate }: CertificatePair): Promise<string> {
    const info = certificateInfo(certificate);
    await this.bed.gateway.auth.devices.addCertificate(id, {
      certificate: info,
      ...{ origin: "given", by } as const,
    });
    return info.fingerprint;
  }

  /** `POST /v1/ingest/<device>` over HTTPS. */
  ingest(device: string, asked: SecureAsked = {}): Promise<SecureAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<SecureAnswer>();
    const headers = { "content-type": "application/json", "connection": "close", ...asked.headers };
    const url = `${this.https}/v1/ingest/${device}`;
    const sent = request(url, { method: "POST", headers, ...this.#tls(asked.pair) }, (response) => {
      let text = "";
      response.on("data", (bytes) => text += bytes);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          code: text.includes('"code"') ? JSON.parse(text).code : null,
        }));
    });
    sent.on("error", reject);
    sent.end('{"metrics":{"t":1}}');
    return promise;
  }

  /** MQTT over `mqtts` or `wss`; rejects when it is refused. */
  async connect(
    over: "mqtts" | "wss",
    { pair = null, headers = {}, ...options }: SecureAsked & IClientOptions = {},
  ): Promise<MqttClient> {
    const { mqtts, https } = this.bed.gateway.addresses;
    const url = over === "mqtts" ? `mqtts://${mqtts}` : `wss://${https}/mqtt`;
    const tls = this.#tls(pair);
    const client = mqtt.connect(url, {
      ...{ protocolVersion: 5, reconnectPeriod: 0, ...tls, ...options },
      wsOptions: { ...tls, headers },
    });
    client.on("error", () => {});
    // `connectAsync` of the library waits for ever when the connection is closed without a word.
    const opened = await new Promise<boolean>((resolve) => {
      client.once("connect", () => resolve(true));
      client.once("close", () => resolve(false));
    });
    if (opened) return client;
    await client.endAsync(true);
    throw new Error("The connection was refused");
  }

  /** What this way of connecting comes to: `open`, or `refused`. */
  async attempt(
    over: "mqtts" | "wss",
    options: SecureAsked & IClientOptions = {},
  ): Promise<string> {
    try {
      const client = await this.connect(over, options);
      await client.endAsync(true);
      return "open";
    } catch {
      return "refused";
    }
  }

  /** A TLS connection that says nothing yet. */
  async socket(over: "https" | "mqtts"): Promise<TLSSocket> {
    const port = Number(this.bed.gateway.addresses[over]?.split(":").at(-1));
    const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca: this.ca });
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
    });
    socket.on("error", () => {});
    return socket;
  }

  #tls(pair: CertificatePair | null | undefined) {
    const { ca } = this;
    return pair === null || pair === undefined
      ? { ca }
      : { ca, cert: pair.certificate, key: pair.key };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bed[Symbol.asyncDispose]();
  }
}
