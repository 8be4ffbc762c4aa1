/**
 * Node 3 on a bench: its ELF in the emulator, Wi-Fi modem, FRAM, and a camera that sends
 * pictures.
 */
import { Bus } from "./bus.ts";
import { concat, crc16, fromLatin1 } from "./bytes.ts";
import { Changes } from "./changes.ts";
import { elfOf } from "./elf.ts";
import { Emulator } from "./emulator.ts";
import { type Address, EspModem } from "./esp_modem.ts";
import { Fram } from "./fram.ts";

/** A result as the node tells it on its console. */
export interface ToldResult {
  seq: number;
  logits: [number, number];
  score: number;
  avg: number;
  person: number;
  us: number;
  waiting: number;
}

const RESULT_LINE = new RegExp(
  /^result seq=(\d+) z=(-?\d+),(-?\d+) score=(\d+) avg=(\d+) /.source +
    /person=(\d) us=(\d+) waiting=(\d+)$/.source,
);

const SSID = 'The "Lab", 2nd floor';
const PASSWORD = "back\\slash,comma";

/** 8 ns an instruction: at 168 MHz that is 1.34 cycles, what this core needs for such code. */
export const ICOUNT_SHIFT = 3;

export class CameraBench implements AsyncDisposable {
  readonly changes = new Changes();
  readonly bus = new Bus();
  readonly fram = new Fram();
  readonly modem: EspModem;
  readonly lines: string[] = [];
  #emulator: Emulator | null = null;

  private constructor(broker: Address) {
    this.modem = new EspModem({
      ssid: SSID,
      password: PASSWORD,
      route: (host) => host === "gateway.local" ? broker : null,
      clock: () => Date.now(),
    });
    this.modem.onCommand = () => this.changes.announce();
    this.bus.spi = this.fram;
  }

  /** With power, and settings typed and saved as an operator would. */
  static async start(broker: Address, secret?: string): Promise<CameraBench> {
    const bench = new CameraBench(broker);
    await bench.powerOn();
    await bench.typeAll([
      `set ssid ${SSID}`,
      `set wifi_password ${PASSWORD}`,
      "set broker gateway.local:1883",
      ...(secret ? [`set secret ${secret}`] : []),
      "save",
    ]);
    return bench;
  }

  async powerOn(): Promise<void> {
    const elf = await elfOf(3);
    const lines = ["usart1", "usart2", "usart3", "usart6"] as const;
    this.#emulator = await Emulator.start({ elf, lines: [...lines], icountShift: ICOUNT_SHIFT });
    this.bus.attach(this.#emulator.line("usart6"));
    this.#readConsole();
    const boots = this.boots();
    this.modem.attach(this.#emulator.line("usart3"));
    await this.changes.until(() => this.boots() > boots, "node 3 boots");
  }

  boots(): number {
    return this.lines.filter((line) => line.includes("node3 boot")).length;
  }

  async powerOff(): Promise<void> {
    await this.#emulator?.[Symbol.asyncDispose]();
    this.#emulator = null;
  }

  #readConsole(): void {
    let pending = "";
    this.#emulator!.line("usart2").receive = (bytes) => {
      const lines = (pending + fromLatin1(bytes)).split("\n");
      pending = lines.pop()!;
      this.lines.push(...lines);
      this.changes.announce();
    };
  }

  /** Types a line and waits for the answer that matches. */
  async ask(line: string, answer: RegExp): Promise<string> {
    const from = this.lines.length;
    const find = () => this.lines.slice(from).find((said) => answer.test(said));
    this.#emulator!.line("usart2").say(line + "\n");
    await this.changes.until(() => find() !== undefined, `an answer to "${line}"`);
    return find()!;
  }

  async typeAll(lines: string[]): Promise<void> {
    for (const line of lines) await this.ask(line, line === "save" ? /^saved$/ : /^settings /);
  }

  type(line: string): void {
    this.#emulator!.line("usart2").say(line + "\n");
  }

  async stats(): Promise<Record<string, number>> {
    const pairs = (await this.ask("stats", /^stats /)).split(" ").slice(1);
    return Object.fromEntries(
      pairs.map((pair) => [pair.split("=")[0], Number(pair.split("=")[1])]),
    );
  }

  /** The counters once every result has been confirmed. */
  async settled(): Promise<Record<string, number>> {
    for (;;) {
      const stats = await this.stats();
      if (stats.waiting === 0) return stats;
    }
  }

  /** Sends a picture (pixel − 128) as the camera board would. */
  send(pixels: Int8Array): void {
    this.#sendFrame(pixels, 0);
  }

  /** The same with one wrong bit in its CRC. */
  sendDamaged(pixels: Int8Array): void {
    this.#sendFrame(pixels, 1);
  }

  #sendFrame(pixels: Int8Array, damage: number): void {
    const stored = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length);
    const crc = crc16(stored) ^ damage;
    const wire = stored.map((byte) => (byte + 128) & 255);
    const tail = Uint8Array.of(crc >> 8, crc & 255);
    this.#emulator!.line("usart1").send(concat(Uint8Array.of(0xc5, 0x5c), wire, tail));
  }

  /** Sends a picture and returns what the node made of it. */
  async show(pixels: Int8Array): Promise<ToldResult> {
    const before = this.told().length;
    this.send(pixels);
    await this.changes.until(() => this.told().length > before, `result ${before + 1}`);
    return this.told()[before]!;
  }

  #parsed: ToldResult[] = [];
  #parsedLines = 0;

  /** All results so far, over restarts. */
  told(): ToldResult[] {
    for (; this.#parsedLines < this.lines.length; this.#parsedLines++) {
      const match = RESULT_LINE.exec(this.lines[this.#parsedLines]!);
      if (!match) continue;
      const [seq, z0, z1, score, avg, person, us, waiting] = match.slice(1).map(Number) as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      this.#parsed.push({ seq, logits: [z0, z1], score, avg, person, us, waiting });
    }
    return this.#parsed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
    await this.modem[Symbol.asyncDispose]();
  }
}
