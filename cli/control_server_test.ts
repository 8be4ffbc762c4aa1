import assert from "node:assert/strict";
import { ControlClient } from "@/cli/control_client.ts";
import { controlSocketPath } from "@/cli/control_path.ts";
import { encodeFrame, FRAME_BYTES_MAX } from "@/cli/control_protocol.ts";
import { ControlServer } from "@/cli/control_server.ts";
import { Folder, ledgerOf, RecordingOperations } from "@/cli/fixture.ts";
import type { TapMessage } from "@/cli/operations.ts";
import { PermanentError, StoreFullError, TransientError } from "@/model/errors.ts";
import { until } from "@/tests/helpers/until.ts";

async function serverOn(folder: Folder, operations = new RecordingOperations()) {
  const server = new ControlServer(operations, { dataDir: folder.path, version: "1.2.3" });
  await server.start();
  return { server, operations };
}

async function clientOn(folder: Folder): Promise<ControlClient> {
  const client = await ControlClient.connect(folder.path);
  assert.ok(client !== null);
  return client;
}

/** The bare socket, as a program that is not ours would use it. */
async function rawOn(folder: Folder): Promise<Deno.UnixConn> {
  return await Deno.connect({ transport: "unix", path: await controlSocketPath(folder.path) });
}

/** Everything that comes until the other side closes. */
async function readAll(conn: Deno.UnixConn): Promise<string> {
  return await new Response(conn.readable).text();
}

function message(number: number, size = 10): TapMessage {
  return {
    id: String(number),
    source: "mqtt",
    envelope: {
      schema: "sluice.message.v1",
      source_topic: "devices/a/telemetry",
      device_id: "a",
      gateway_id: "sluice",
      seq: number,
      trace_id: "0".repeat(32),
      received_at: "2026-01-01T00:00:00Z",
      payload: "x".repeat(size),
    },
  };
}

Deno.test("calls travel both ways, bytes included", async () => {
  await using folder = await Folder.create();
  const { server, operations } = await serverOn(folder);
  await using _ = server;
  const payload = new Uint8Array([0, 255, 10, 13]);
  const letter = { id: 1, source: "mqtt", sourceName: "broker", device: null, topic: "t" };
  operations.sourceDead = [{ ...letter, payload, reason: "not_json", detail: "d", atMs: 1 }];
  operations.ledgers = [ledgerOf("cloud", { accepted: 3, acked: 3 })];
  await using client = await clientOn(folder);
  const remote = client.operations;
  assert.deepEqual((await remote.sourceDeadList({}, { limit: 5 })).items[0]?.payload, payload);
  assert.deepEqual((await remote.queueStatus()).ledgers, operations.ledgers);
  assert.equal(await remote.queueShow("f".repeat(32)), null);
  assert.equal(await remote.backupCreate("/tmp/x"), 1234);
  assert.equal(await remote.destinationPause("cloud", true), null);
  assert.deepEqual(operations.calls.at(-1), ["destinationPause", "cloud", true]);
});

Deno.test("errors arrive with class, code and hint", async () => {
  await using folder = await Folder.create();
  const { server, operations } = await serverOn(folder);
  await using _ = server;
  await using client = await clientOn(folder);
  await assert.rejects(
    client.operations.destinationForget("x"),
    (error) =>
      error instanceof PermanentError && error.code === "TST-0001" &&
      error.hint === "remove it from the configuration first",
  );
  operations.beforeFeed = () => {
    throw new StoreFullError("Full", { code: "X", hint: "y", retryAfterSeconds: 7 });
  };
  const batch = { receiver: "N2", session: 1, lines: [{ number: 1, text: "a" }] };
  await assert.rejects(
    client.operations.feed(batch),
    (error) => error instanceof StoreFullError && error.retryAfterSeconds === 7,
  );
});

Deno.test("unknown operations and wrong arguments are refused, the connection goes on", async () => {
  await using folder = await Folder.create();
  const { server } = await serverOn(folder);
  await using _ = server;
  await using client = await clientOn(folder);
  await assert.rejects(client.call("queueStats"), /Unknown operation "queueStats"/);
  await assert.rejects(client.call("toString"), /Unknown operation/);
  const wrong: unknown[][] = [
    ["backupCreate", "relative/path"],
    ["queueShow"],
    ["queueShow", 5],
    ["deadList", {}, { limit: 1e9 }],
    ["deadList", { other: 1 }, { limit: 1 }],
    ["feed", { receiver: "a/b", session: 1, lines: [{ number: 1, text: "" }] }],
    ["feed", { receiver: "a", session: 1, lines: [] }],
  ];
  for (const [operation, ...args] of wrong) {
    await assert.rejects(client.call(String(operation), ...args), /Cannot take the argument/);
  }
  assert.equal((await client.operations.status()).version, "9.9.9");
});

Deno.test("only the owner can open the socket; it is gone after the stop", async () => {
  await using folder = await Folder.create();
  const { server } = await serverOn(folder);
  const path = await controlSocketPath(folder.path);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  await server.stop();
  await server.stop();
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  assert.equal(await ControlClient.connect(folder.path), null);
});

Deno.test("a socket left by a killed gateway is no obstacle and answers nobody", async () => {
  await using folder = await Folder.create();
  const path = await controlSocketPath(folder.path);
  // A listener that is closed leaves its file, as a killed process does.
  Deno.listen({ transport: "unix", path }).close();
  assert.equal(await ControlClient.connect(folder.path), null);
  const { server } = await serverOn(folder);
  await using _ = server;
  await using client = await clientOn(folder);
  assert.equal((await client.operations.status()).pid, 4242);
});

Deno.test("a data folder with a long path gets its socket elsewhere", async () => {
  await using folder = await Folder.create();
  const long = `${folder.path}/${"a-very-long-name/".repeat(6)}data`;
  await Deno.mkdir(long, { recursive: true });
  const path = await controlSocketPath(long);
  assert.match(path, /^\/tmp\/sluice-[0-9a-f]{16}\/control\.sock$/);
  const server = new ControlServer(new RecordingOperations(), { dataDir: long, version: "1" });
  const parent = path.replace(/\/control\.sock$/, "");
  try {
    await server.start();
    await using client = (await ControlClient.connect(long))!;
    assert.equal((await client.operations.status()).phase, "ready");
    await client[Symbol.asyncDispose]();
    await server.stop();
    await Deno.chmod(parent, 0o777);
    await assert.rejects(server.start(), /it is not ours alone/);
    await assert.rejects(ControlClient.connect(long), /it is not ours alone/);
  } finally {
    await server.stop();
    await Deno.remove(parent, { recursive: true });
  }
});

Deno.test("what is no protocol ends that connection and no other", async () => {
  await using folder = await Folder.create();
  const { server } = await serverOn(folder);
  await using _ = server;
  await using client = await clientOn(folder);
  const hostile = [
    "GET / HTTP/1.1\r\n\r\n",
    "[]\n",
    '{"id":"x","operation":"status","arguments":[]}\n',
    '{"id":1,"operation":"status"}\n',
    "null\n",
    "\xff\xfe\n",
  ];
  for (const text of hostile) {
    const conn = await rawOn(folder);
    await conn.write(new TextEncoder().encode(text));
    assert.match(await readAll(conn), /^\{"sluice":1/, text);
  }
  assert.equal((await client.operations.status()).pid, 4242);
});

Deno.test("a line above the bound ends the connection without being kept", async () => {
  await using folder = await Folder.create();
  const { server } = await serverOn(folder);
  await using _ = server;
  const conn = await rawOn(folder);
  const chunk = new Uint8Array(1024 * 1024).fill(120);
  const flood = async () => {
    for (let sent = 0; sent <= 2 * FRAME_BYTES_MAX;) sent += await conn.write(chunk);
  };
  await assert.rejects(flood(), /Broken pipe|reset|closed/i);
  conn.close();
});

Deno.test("more calls at a time than allowed are refused one by one", async () => {
  await using folder = await Folder.create();
  const { server, operations } = await serverOn(folder);
  await using _ = server;
  const gate = Promise.withResolvers<void>();
  operations.beforeFeed = () => gate.promise;
  await using client = await clientOn(folder);
  const batch = { receiver: "N2", session: 1, lines: [{ number: 1, text: "a" }] };
  const calls = Array.from({ length: 64 }, () => client.operations.feed(batch));
  await assert.rejects(client.operations.status(), TransientError);
  gate.resolve();
  await Promise.all(calls);
  assert.equal((await client.operations.status()).pid, 4242);
});

Deno.test("more connections than allowed are told so", async () => {
  await using folder = await Folder.create();
  const { server } = await serverOn(folder);
  await using _ = server;
  const clients = await Promise.all(Array.from({ length: 32 }, () => clientOn(folder)));
  await assert.rejects(ControlClient.connect(folder.path), /more than 32 control connections/);
  for (const client of clients) await client[Symbol.asyncDispose]();
  const again = await until(() => ControlClient.connect(folder.path).catch(() => null), {
    what: "a place is free again",
  });
  await again[Symbol.asyncDispose]();
});

Deno.test("a stream ends with the client's cancel and with the server's stop", async () => {
  await using folder = await Folder.create();
  const { server, operations } = await serverOn(folder);
  await using _ = server;
  let ended = 0;
  operations.tapItems = async function* (signal) {
    yield message(1);
    yield message(2);
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve());
    await promise;
    ended++;
  };
  await using client = await clientOn(folder);
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const item of client.operations.tap("#", stop.signal)) {
    seen.push(item.id);
    if (seen.length === 2) stop.abort();
  }
  assert.deepEqual(seen, ["1", "2"]);
  const second = client.operations.tap("#", new AbortController().signal)[Symbol.asyncIterator]();
  await second.next();
  await second.next();
  const third = assert.rejects(second.next(), TransientError);
  await server.stop();
  await third;
  await until(() => ended === 2, { what: "both streams have ended in the gateway" });
});

Deno.test("a watcher that does not read loses items and is told how many", async () => {
  await using folder = await Folder.create();
  const { server, operations } = await serverOn(folder);
  await using _ = server;
  const finish = Promise.withResolvers<void>();
  let produced = 0;
  operations.tapItems = async function* () {
    for (; produced < 500; produced++) yield message(produced, 20_000);
    await finish.promise;
    yield message(500);
  };
  const conn = await rawOn(folder);
  await conn.write(encodeFrame({ id: 1, operation: "tap", arguments: ["#"] }));
  // The producer is never held up by a client that reads nothing.
  await until(() => produced === 500, { what: "everything is produced" });
  let read = 0;
  const lines = await readLines(conn, (line) => {
    // By then the client has made room again, and the next item says how many are missing.
    if (++read === 40) finish.resolve();
    return line.includes('"result"');
  });
  conn.close();
  const items = lines.filter((line) => "item" in line) as { dropped: number }[];
  const dropped = items.reduce((sum, item) => sum + item.dropped, 0);
  assert.ok(dropped > 0);
  assert.equal(items.length + dropped, 501);
});

/** Parsed lines up to the one that ends it. */
async function readLines(
  conn: Deno.UnixConn,
  isLast: (line: string) => boolean,
): Promise<Record<string, unknown>[]> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  const lines: Record<string, unknown>[] = [];
  let rest = "";
  for (;;) {
    const length = await conn.read(buffer);
    if (length === null) return lines;
    rest += decoder.decode(buffer.subarray(0, length), { stream: true });
    const complete = rest.split("\n");
    rest = complete.pop()!;
    lines.push(...complete.map((line) => JSON.parse(line)));
    if (complete.map(isLast).includes(true)) return lines;
  }
}

Deno.test("a client that lets answers wait without reading them is disconnected", async () => {
  await using folder = await Folder.create();
  const { server, operations } = await serverOn(folder);
  await using _ = server;
  const error = "e".repeat(1_000_000);
  const letter = { messageId: "0", destination: "d", device: "a", topic: "t", payload: "" };
  operations.dead = Array.from({ length: 10 }, () => ({
    ...letter,
    error,
    attempts: 1,
    deadAtMs: 0,
  }));
  const conn = await rawOn(folder);
  const ask = async () => {
    for (let id = 1; id <= 1000; id++) {
      await conn.write(encodeFrame({ id, operation: "deadList", arguments: [{}, { limit: 10 }] }));
    }
  };
  await assert.rejects(ask(), /Broken pipe|reset|closed/i);
  conn.close();
});

Deno.test("a version that speaks another protocol is named", async () => {
  await using folder = await Folder.create();
  const path = await controlSocketPath(folder.path);
  using listener = Deno.listen({ transport: "unix", path });
  const answering = (async () => {
    const conn = await listener.accept();
    await conn.write(encodeFrame({ sluice: 2, version: "7.0.0", pid: 1 }));
    return conn;
  })();
  await assert.rejects(ControlClient.connect(folder.path), /version 7.0.0/);
  (await answering).close();
});

Deno.test("the answer to the call that stops the gateway still arrives", async () => {
  await using folder = await Folder.create();
  const { server, operations } = await serverOn(folder);
  let stopped: Promise<void> = Promise.resolve();
  operations.stop = () => {
    stopped = server.stop();
    return Promise.resolve();
  };
  await using client = await clientOn(folder);
  await client.operations.stop();
  await stopped;
});

Deno.test("a client that takes nothing does not hold up the stop", async () => {
  await using folder = await Folder.create();
  const { server, operations } = await serverOn(folder);
  const letter = { messageId: "0", destination: "d", device: "a", topic: "t", payload: "" };
  const error = "e".repeat(5_000_000);
  operations.dead = [{ ...letter, error, attempts: 1, deadAtMs: 0 }];
  const conn = await rawOn(folder);
  await conn.write(encodeFrame({ id: 1, operation: "deadList", arguments: [{}, { limit: 1 }] }));
  await until(() => operations.calls.length === 1, { what: "the call has come" });
  await server.stop();
  conn.close();
});
