/** The LoRa receiver on a serial line (a pty plays it) and through `sluice feed`. */
import assert from "node:assert/strict";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import { sluiceCommand } from "@/tools/product.ts";

/** Both forms of a packet line; the number is told by `sts.rx`. */
function packetLine(number: number): string {
  const json = `{"ts":${number * 500},"id":"N2","n1":{"t":28.3,"h":52.6,"g":461235},` +
    `"n2":{"t":27.8,"h":48.8},"sig":{"rssi":-32,"snr":12},"sts":{"rx":${number},"err":0}}`;
  return number % 2 === 0
    ? `${json}\n`
    : `[INFO] JSON sent via VCP: ${json}\\n (gateway_firmware src/main.rs:573)\n`;
}

/** A pseudo terminal: what is written to its stdin comes out of the device file. */
class SerialLine implements AsyncDisposable {
  readonly path: string;
  readonly #socat: ServerProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(path: string, socat: ServerProcess) {
    this.path = path;
    this.#socat = socat;
    this.#writer = socat.stdin.getWriter();
  }

  static async open(path: string): Promise<SerialLine> {
    const socat = new ServerProcess("socat", {
      args: ["STDIO", `PTY,link=${path},rawer,wait-slave`],
      stdin: "piped",
    });
    await until(() => Deno.lstatSync(path).isSymlink, { what: "the pty exists" });
    return new SerialLine(path, socat);
  }

  async write(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
  }

  /** Unplugs: the device file goes away under its reader. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer.releaseLock();
    await this.#socat.stop();
  }
}

async function receivedNumbers(postgres: PostgresServer): Promise<number[]> {
  const rows = await postgres.query<{ value: number }>(
    "SELECT value FROM readings WHERE measurement = 'packets_received' ORDER BY received_at, item",
  );
  return rows.map((row) => row.value);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

function destination(postgres: PostgresServer): string {
  return `
[[destination]]
name = "postgres"
type = "postgres"
url = "${postgres.url()}"
tls = "off"
`;
}

Deno.test("a serial line: packets, unplugging, a restart of the gateway", async () => {
  await using postgres = await PostgresServer.start();
  await using folder = await TempDir.create();
  const path = folder.join("ttyACM0");
  const config = `${destination(postgres)}
[[source]]
name = "receiver"
type = "serial"
path = "${path}"
receiver = "N2"
`;
  {
    await using line = await SerialLine.open(path);
    await using gateway = await GatewayProcess.start({ config, folder });
    await line.write("[INFO] booting\n\u0000\u00ff\n");
    for (const number of numbers(4)) await line.write(packetLine(number));
    await gateway.untilMetric('sluice_source_log_lines_total{source="serial"}', 1);
    await until(async () => (await receivedNumbers(postgres)).length >= 4, {
      what: "four packets are in PostgreSQL",
    });
    assert.equal(await gateway.stop(), 0);
  }
  await using gateway = await GatewayProcess.start({ config, folder });
  {
    await using line = await SerialLine.open(path);
    for (const number of [5, 6]) await line.write(packetLine(number));
    await until(async () => (await receivedNumbers(postgres)).length >= 6, {
      what: "the next two are there after plugging in again",
    });
  }
  assert.deepEqual(await receivedNumbers(postgres), numbers(6));
  const scrape = await gateway.metrics();
  assert.equal(scrape.value('sluice_ingest_messages_total{source="serial",outcome="accepted"}'), 2);
});

Deno.test("feed: every line is confirmed, also over a kill of the gateway", async () => {
  await using postgres = await PostgresServer.start();
  await using folder = await TempDir.create();
  const options = { config: destination(postgres), folder };
  const first = await GatewayProcess.start(options);
  const { command, args } = sluiceCommand(["feed", "N2", "--data", folder.join("data")]);
  await using feed = new ServerProcess(command, { args, stdin: "piped" });
  const writer = feed.stdin.getWriter();
  const write = (number: number) => writer.write(new TextEncoder().encode(packetLine(number)));
  try {
    await writer.write(new TextEncoder().encode("[INFO] waiting for packets\n"));
    for (const number of numbers(20)) await write(number);
    await first.untilMetric('sluice_source_log_lines_total{source="feed"}', 1);
    await until(async () => (await receivedNumbers(postgres)).length >= 20, {
      what: "20 are there",
    });
    await first.kill();
    for (const number of [21, 22, 23]) await write(number);
  } finally {
    await first[Symbol.asyncDispose]();
  }
  await using second = await GatewayProcess.start(options);
  await writer.close();
  const { code } = await feed.exited;
  assert.equal(code, 0, feed.stderr);
  await until(async () => (await receivedNumbers(postgres)).length >= 23, { what: "23 are there" });
  assert.deepEqual(await receivedNumbers(postgres), numbers(23));
  const numbered = await postgres.query("SELECT 1 FROM readings WHERE seq IS NOT NULL");
  assert.equal(numbered.length, 0, "the number of a line is not a device's seq");
  assert.equal(await second.stop(), 0);
});
