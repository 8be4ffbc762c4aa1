/**
 * A small HTTP server that answers as InfluxDB 2 (and 3) does on its write and bucket paths: status
 * codes, bodies and headers. It keeps points as the real one would, one per series and time, so
 * that a test sees what is stored; it is no database otherwise.
 */

/** Answers that a test can order for the next requests. */
export type OrderedAnswer =
  | { kind: "status"; status: number; body?: string; headers?: Record<string, string> }
  /** Takes the request (and stores the points) and never answers; ends when the server is closed. */
  | { kind: "hang"; store?: boolean };

export interface InfluxOptions {
  token?: string;
  org?: string;
  bucket?: string;
  /** Body bytes (as sent, before unpacking) above which the answer is 413. */
  bodyBytesMax?: number;
  /** `v2` names only how many points were dropped, `v3` names each line. */
  version?: "v2" | "v3";
  /** A stored line that this returns a text for is refused with that text, its good neighbours stay. */
  refuse?: (line: string) => string | null;
}

interface WriteRequest {
  lines: string[];
  points: number;
  bytes: number;
  headers: Headers;
  query: URLSearchParams;
  status: number;
}

const BUCKET_ID = "0a1b2c3d4e5f6071";

export class InfluxAnswers implements AsyncDisposable {
  readonly requests: WriteRequest[] = [];
  /** Retention rules of the bucket as last set, seconds. */
  retentionSeconds: number | null = null;
  readonly #options: Required<InfluxOptions>;
  readonly #points = new Map<string, string>();
  readonly #orders: OrderedAnswer[] = [];
  readonly #closing = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(options: InfluxOptions = {}) {
    this.#options = {
      token: options.token ?? "secret-token",
      org: options.org ?? "sluice",
      bucket: options.bucket ?? "iot",
      bodyBytesMax: options.bodyBytesMax ?? 50_000_000,
      version: options.version ?? "v2",
      refuse: options.refuse ?? (() => null),
    };
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Stored lines, one per series and time. */
  get stored(): string[] {
    return [...this.#points.values()];
  }

  /** Orders the answers to the next writes, one each; then the normal rules hold again. */
  order(...answers: OrderedAnswer[]): void {
    this.#orders.push(...answers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const body = await request.bytes().catch(() => null);
    if (body === null) return problem(400, "invalid", "the client has gone");
    if (url.pathname === "/api/v2/write") return await this.#write(request, { url, body });
    if (url.pathname.startsWith("/api/v2/buckets")) return this.#buckets(request, { url, body });
    return problem(404, "not found", "path not found");
  }

  async #write(
    request: Request,
    { url, body }: { url: URL; body: Uint8Array<ArrayBuffer> },
  ): Promise<Response> {
    const lines = toLines(await unpack(request.headers.get("content-encoding"), body));
    const response = await this.#decide(request, { url, bytes: body.length, lines });
    this.requests.push({
      lines,
      points: lines.length,
      bytes: body.length,
      headers: request.headers,
      query: url.searchParams,
      status: response.status,
    });
    return response;
  }

  async #decide(
    request: Request,
    { url, bytes, lines }: { url: URL; bytes: number; lines: string[] },
  ): Promise<Response> {
    const order = this.#orders.shift();
    if (order !== undefined) return await this.#obey(order, lines);
    const refusal = this.#refusal(request, url);
    if (refusal !== null) return refusal;
    if (bytes > this.#options.bodyBytesMax) return tooLarge(this.#options.bodyBytesMax);
    return this.#options.version === "v3" ? this.#storeV3(lines) : this.#storeV2(lines);
  }

  async #obey(order: OrderedAnswer, lines: string[]): Promise<Response> {
    if (order.kind === "status") {
      if (order.status < 300) this.#keep(lines);
      return new Response(order.body ?? null, { status: order.status, headers: order.headers });
    }
    if (order.store) this.#keep(lines);
    await new Promise((resolve) => this.#closing.signal.addEventListener("abort", resolve));
    return new Response(null, { status: 503 });
  }

  #refusal(request: Request, url: URL): Response | null {
    const { token, org, bucket } = this.#options;
    const authorization = request.headers.get("authorization");
    if (authorization !== `Token ${token}`) {
      return problem(401, "unauthorized", "unauthorized access");
    }
    if (url.searchParams.get("org") !== org) {
      return problem(
        404,
        "not found",
        `organization name "${url.searchParams.get("org")}" not found`,
      );
    }
    if (url.searchParams.get("bucket") !== bucket) {
      return problem(404, "not found", `bucket "${url.searchParams.get("bucket")}" not found`);
    }
    return null;
  }

  /** Version 2: a line that cannot be parsed refuses the request, a refused one is only dropped. */
  #storeV2(lines: string[]): Response {
    const broken = lines.find((line) => parseLine(line) === null);
    if (broken !== undefined) {
      return problem(400, "invalid", `unable to parse '${broken}': missing fields`);
    }
    const refused = lines.map(this.#options.refuse);
    this.#keep(lines.filter((_, index) => refused[index] === null));
    const reasons = refused.filter((reason) => reason !== null);
    if (reasons.length === 0) return new Response(null, { status: 204 });
    return problem(
      422,
      "unprocessable entity",
      `failure writing points to database: partial write: ${reasons[0]} dropped=${reasons.length}`,
    );
  }

  /** Version 3: each bad line is named by number, the good ones are stored. */
  #storeV3(lines: string[]): Response {
    const reasons = lines.map((line) =>
      parseLine(line) === null ? "missing fields" : this.#options.refuse(line)
    );
    this.#keep(lines.filter((_, index) => reasons[index] === null));
    const data = reasons.flatMap((reason, index) =>
      reason === null ? [] : [{
        original_line: lines[index],
        line_number: index + 1,
        error_message: reason,
      }]
    );
    if (data.length === 0) return new Response(null, { status: 204 });
    const body = { error: "partial write of line protocol occurred", data };
    return Response.json(body, { status: 400 });
  }

  #keep(lines: string[]): void {
    for (const line of lines) {
      const parsed = parseLine(line);
      if (parsed !== null) this.#points.set(`${parsed.series} ${parsed.time}`, line);
    }
  }

  #buckets(request: Request, { url, body }: { url: URL; body: Uint8Array }): Response {
    if (request.headers.get("authorization") !== `Token ${this.#options.token}`) {
      return problem(401, "unauthorized", "unauthorized access");
    }
    if (request.method === "PATCH" && url.pathname.endsWith(`/${BUCKET_ID}`)) {
      const patch = JSON.parse(new TextDecoder().decode(body));
      this.retentionSeconds = patch.retentionRules[0].everySeconds;
    } else if (url.searchParams.get("name") !== this.#options.bucket) {
      return problem(404, "not found", `bucket "${url.searchParams.get("name")}" not found`);
    }
    const bucket = { id: BUCKET_ID, name: this.#options.bucket, retentionRules: this.#rules() };
    return Response.json(request.method === "PATCH" ? bucket : { buckets: [bucket] });
  }

  #rules(): { type: string; everySeconds: number }[] {
    if (this.retentionSeconds === null) return [];
    return [{ type: "expire", everySeconds: this.retentionSeconds }];
  }
}

function problem(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, { status });
}

function tooLarge(bytesMax: number): Response {
  const error = `unable to read data: points batch is too large, max ${bytesMax} bytes`;
  return problem(413, "request too large", error);
}

async function unpack(encoding: string | null, body: Uint8Array<ArrayBuffer>): Promise<string> {
  if (encoding !== "gzip") return new TextDecoder().decode(body);
  const stream = new Blob([body]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).text();
}

/** Lines of the body; a line feed inside a quoted text does not occur, comments are skipped. */
function toLines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

/** Series (measurement and tags), fields and time of a line; null where it is not one. */
export function parseLine(
  line: string,
): { series: string; fields: string; time: string } | null {
  const match = /^((?:\\.|[^\\ ])+) ((?:\\.|"(?:\\.|[^"\\])*"|[^\\ "])+) (-?\d+)$/.exec(line);
  if (match === null) return null;
  const [, series = "", fields = "", time = ""] = match;
  const wellFormed = fields.split(",").every((field) => /^[^=]+=[-+0-9.eE]+$/.test(field));
  return wellFormed ? { series, fields, time } : null;
}
