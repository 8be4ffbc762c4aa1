/**
 * The far end of the firmware's bus tunnel (USART6): I²C devices and one SPI device. The framing is
 * that of `firmware/port/tunnel.h`.
 */
import { concat } from "./bytes.ts";
import type { Line } from "./emulator.ts";

export interface I2cDevice {
  /** Takes the written bytes; false refuses them. */
  write(bytes: Uint8Array): boolean;
  /** Gives `count` bytes, or null when the device has none to give. */
  read(count: number): Uint8Array | null;
}

export interface SpiDevice {
  transfer(out: Uint8Array, inCount: number): Uint8Array;
}

const NO_DEVICE = 1;
const NACK = 2;

export class Bus {
  readonly i2c = new Map<number, I2cDevice>();
  spi: SpiDevice | null = null;
  /** Called after each transaction. */
  onTransfer: () => void = () => {};
  #line: Line | null = null;
  #pending: Uint8Array = new Uint8Array();

  attach(line: Line): void {
    this.#line = line;
    this.#pending = new Uint8Array();
    line.receive = (bytes) => this.#take(bytes);
  }

  #take(bytes: Uint8Array): void {
    this.#pending = concat(this.#pending, bytes);
    for (let used = this.#run(); used > 0; used = this.#run()) {
      this.#pending = this.#pending.subarray(used);
    }
  }

  /** Runs the first request; returns its length, 0 while it is incomplete. */
  #run(): number {
    const p = this.#pending;
    if (p.length && p[0] !== 0xa5) throw new Error(`The tunnel lost its framing at ${p[0]}`);
    if (p.length < 7) return p[2] === 0x49 && p.length === 6 && p[4] === 0 ? this.#runI2c(p) : 0;
    return p[2] === 0x49 ? this.#runI2c(p) : this.#runSpi(p);
  }

  #runI2c(p: Uint8Array): number {
    const [, number, , address, outCount, inCount] = p as unknown as number[];
    const end = 6 + outCount!;
    if (p.length < end) return 0;
    const answer = this.#i2cAnswer(address!, p.slice(6, end), inCount!);
    this.#line?.send(concat(Uint8Array.of(number!), answer));
    this.onTransfer();
    return end;
  }

  #i2cAnswer(address: number, out: Uint8Array, inCount: number): Uint8Array {
    const device = this.i2c.get(address);
    if (!device) return Uint8Array.of(NO_DEVICE);
    if (out.length && !device.write(out)) return Uint8Array.of(NACK);
    const bytes = inCount ? device.read(inCount) : new Uint8Array();
    return bytes ? concat(Uint8Array.of(0), bytes) : Uint8Array.of(NO_DEVICE);
  }

  #runSpi(p: Uint8Array): number {
    const view = new DataView(p.buffer, p.byteOffset);
    const end = 7 + view.getUint16(3);
    if (p.length < end) return 0;
    const inCount = view.getUint16(5);
    const bytes = this.spi?.transfer(p.slice(7, end), inCount) ?? new Uint8Array(inCount).fill(0xff);
    this.#line?.send(concat(Uint8Array.of(p[1]!, 0), bytes));
    this.onTransfer();
    return end;
  }
}
