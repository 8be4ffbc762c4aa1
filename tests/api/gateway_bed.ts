/** The gateway in this process on loopback, with a person of each role signed in. */
import assert from "node:assert/strict";
import type { Role } from "@/auth/auth_store.ts";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import { loadConfig } from "@/config/load.ts";
import { Gateway } from "@/gateway.ts";
import { Problem } from "@/routes/api/schemas.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";

export const PASSWORD = "correct horse battery";
export const ROLE_NAMES: Role[] = ["admin", "operator", "viewer"];

export interface Asked {
  method?: string;
  /** Signed in as; absent: nobody. */
  as?: Role;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  body?: BodyInit;
  signal?: AbortSignal;
}

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
}

export class GatewayBed implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly tokens: Partial<Record<Role, string>>;
  readonly #folder: TempDir;

  private constructor(
    parts: { gateway: Gateway; folder: TempDir; tokens: Partial<Record<Role, string>> },
  ) {
    this.gateway = parts.gateway;
    this.#folder = parts.folder;
    this.tokens = parts.tokens;
  }

  /** `config` is text of sluice.toml. */
  static async start(config = "", options: { people?: boolean } = {}): Promise<GatewayBed> {
    const folder = await TempDir.create("sluice-api-");
    await Deno.writeTextFile(folder.join("sluice.toml"), config);
    const { config: loaded } = await loadConfig({
      configFile: folder.join("sluice.toml"),
      configFileRequired: true,
      settingsFile: null,
      environment: {},
      flags: [
        { path: ["http", "listen"], value: "127.0.0.1:0", flag: "--http" },
        { path: ["mqtt", "listen"], value: "127.0.0.1:0", flag: "--mqtt" },
        { path: ["log", "level"], value: "error", flag: "--log" },
      ],
    });
    const gateway = await Gateway.start({ config: loaded, dataDir: folder.join("data") });
    const bed = new GatewayBed({ gateway, folder, tokens: {} });
    if (options.people !== false) await bed.#signIn();
    return bed;
  }

  get url(): string {
    return `http://${this.gateway.addresses.http}`;
  }

  fetch(path: string, asked: Asked = {}): Promise<Response> {
    const headers = new Headers(asked.headers);
    const token = asked.as === undefined ? undefined : this.tokens[asked.as];
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    if (asked.json !== undefined) headers.set("content-type", "application/json");
    const body = asked.json === undefined ? asked.body : JSON.stringify(asked.json);
    const method = asked.method ?? (body === undefined ? "GET" : "POST");
    return fetch(this.url + path, { method, headers, body, signal: asked.signal });
  }

  /** The JSON answer; asserts its status. */
  async json<T = Record<string, unknown>>(
    path: string,
    asked: Asked & { status?: number } = {},
  ): Promise<T> {
    const response = await this.fetch(path, asked);
    const text = await response.text();
    assert.equal(response.status, asked.status ?? 200, `${path}: ${text}`);
    const value = text === "" ? null : JSON.parse(text);
    const usual = (asked.json ?? asked.body) === undefined ? "GET" : "POST";
    this.#assertDescribed(value, { method: asked.method ?? usual, path, response });
    return value as T;
  }

  async login(username: string): Promise<{ access_token: string; refresh_token: string }> {
    return await this.json("/api/auth/login", { json: { username, password: PASSWORD } });
  }

  /** Every answer that a test looks at is also held against its description. */
  #assertDescribed(
    value: unknown,
    { method, path, response }: { method: string; path: string; response: Response },
  ): void {
    if (response.status >= 400) {
      assert.equal(response.headers.get("content-type"), "application/problem+json");
      assert.deepEqual(Problem.parse(value), value);
      return;
    }
    const [pathname = ""] = path.split("?");
    const described =
      this.gateway.app.api.described.filter((each) =>
        each.method === method && pattern(each.path).test(pathname)
      ).sort((a, b) => a.path.split("{").length - b.path.split("{").length)[0];
    assert(described !== undefined, `${method} ${path} is not described`);
    assert.equal(response.status, described.answer.status);
    const { schema } = described.answer;
    if (schema !== undefined) assert.deepEqual(schema.parse(value), value, `${method} ${path}`);
  }

  async #signIn(): Promise<void> {
    for (const role of ROLE_NAMES) {
      await this.gateway.auth.people.add({ name: role, role, password: PASSWORD }, LOCAL_ACTOR);
      this.tokens[role] = (await this.login(role)).access_token;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
}
