/**
 * Node 1 and node 2 on a bench: both ELFs in emulators, their modems on one simulated channel,
 * their sensors and displays on the bus. The SHT3x of node 1 numbers its samples: sample k reads k
 * × 0.01 % humidity, so every packet can be told from all others.
 */
import { Bus } from "./bus.ts";
import { fromLatin1 } from "./bytes.ts";
import { Changes } from "./changes.ts";
import { Ssd1306 } from "./display.ts";
import { elfOf } from "./elf.ts";
import { Emulator } from "./emulator.ts";
import { Modem, Radio } from "./radio.ts";
import { Random } from "../../firmware/model/random.ts";
import { Bme680, Sht3x } from "./sensors.ts";

/** What node 2 tells the gateway. */
export interface GatewayPacket {
  ts: number;
  id: string;
  n1: { t: number; h: number; g?: number };
  n2: { t?: number; h?: number; p?: number };
  sig: { rssi: number; snr: number };
  sts: Record<"rx" | "err" | "frm" | "dec" | "mod" | "dup" | "gap", number>;
}

/** A radio node with its surroundings; the surroundings outlive a power cut. */
export class RadioNode implements AsyncDisposable {
  readonly bus = new Bus();
  readonly display = new Ssd1306();
  readonly sht3x = new Sht3x();
  readonly modem: Modem;
  readonly lines: string[] = [];
  #emulator: Emulator | null = null;

  constructor(
    readonly number: 1 | 2,
    private readonly bench: { radio: Radio; changes: Changes; ptyLink?: string },
  ) {
    this.modem = new Modem(bench.radio);
    this.modem.onCommand = () => bench.changes.announce();
    this.bus.onTransfer = () => bench.changes.announce();
    this.bus.i2c.set(0x44, this.sht3x);
    this.bus.i2c.set(0x3c, this.display);
  }

  async powerOn(): Promise<void> {
    const ptyLink = this.bench.ptyLink;
    const lines = ["uart4", "usart6", ...(ptyLink ? [] : ["usart2"])] as ("uart4" | "usart2")[];
    this.#emulator = await Emulator.start({ elf: await elfOf(this.number), lines, ptyLink });
    this.bus.attach(this.#emulator.line("usart6"));
    this.modem.attach(this.#emulator.line("uart4"));
    if (!ptyLink) this.#readConsole();
  }

  #readConsole(): void {
    let pending = "";
    this.#emulator!.line("usart2").receive = (bytes) => {
      const lines = (pending + fromLatin1(bytes)).split("\n");
      pending = lines.pop()!;
      this.lines.push(...lines);
      this.bench.changes.announce();
    };
  }

  async powerOff(): Promise<void> {
    this.modem.detach();
    await this.#emulator?.[Symbol.asyncDispose]();
    this.#emulator = null;
  }

  /** Types a line on the console. */
  type(line: string): void {
    this.#emulator!.line("usart2").say(line + "\n");
  }

  pressReset(): void {
    this.#emulator!.reset();
  }

  /** Resolves once the modem is configured. */
  async ready(): Promise<void> {
    const configured = () => this.modem.settings.has("PARAMETER");
    await this.bench.changes.until(configured, `node ${this.number} configures its modem`);
  }

  /** The counters by their names. */
  async stats(): Promise<Record<string, number>> {
    const from = this.lines.length;
    this.type("stats");
    const find = () => this.lines.slice(from).find((line) => line.startsWith("stats "));
    await this.bench.changes.until(() => find() !== undefined, `stats of node ${this.number}`);
    const pairs = find()!.split(" ").slice(1).map((pair) => pair.split("="));
    return Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)]));
  }

  /** The lines for the gateway so far. */
  packets(): GatewayPacket[] {
    return this.lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
  }
}

export class RadioBench implements AsyncDisposable {
  readonly changes = new Changes();
  readonly radio: Radio;
  readonly node1: RadioNode;
  readonly node2: RadioNode;
  readonly bme680 = new Bme680();
  /** Samples that node 1 has begun. */
  samples = 0;

  private constructor(seed: number, ptyLink?: string) {
    this.radio = new Radio(new Random(seed));
    this.radio.onPacket = () => this.changes.announce();
    this.node1 = new RadioNode(1, { radio: this.radio, changes: this.changes });
    this.node2 = new RadioNode(2, { radio: this.radio, changes: this.changes, ptyLink });
    this.node1.bus.i2c.set(0x77, this.bme680);
    this.node1.sht3x.onMeasure = () => this.node1.sht3x.humidity = ++this.samples / 100;
  }

  /** Both nodes with power and configured; `prepare` may change the surroundings before. */
  static async start(
    options: { seed?: number; ptyLink?: string; prepare?: (bench: RadioBench) => void } = {},
  ): Promise<RadioBench> {
    const bench = new RadioBench(options.seed ?? 1, options.ptyLink);
    options.prepare?.(bench);
    await bench.node2.powerOn();
    await bench.node2.ready();
    await bench.node1.powerOn();
    await bench.node1.ready();
    return bench;
  }

  /** Numbers of the samples that node 2 has told, in their order. */
  told(): number[] {
    return this.node2.packets().map((packet) => Math.round(packet.n1.h * 100));
  }

  /** How often each sample was transmitted by node 1. */
  transmissions(): Map<string, number> {
    const sent = new Map<string, number>();
    for (const command of this.node1.modem.commands) {
      if (command.startsWith("AT+SEND=2,")) sent.set(command, (sent.get(command) ?? 0) + 1);
    }
    return sent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node1[Symbol.asyncDispose]();
    await this.node2[Symbol.asyncDispose]();
    this.radio.close();
  }
}

/** 1, 2, … count. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
