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

const END = 0xc0;
const ESCAPE = 0xdb;

function escape(bytes: Uint8Array): Uint8Array {
  const out = [END];
  for (const byte of bytes) {
    if (byte === END) out.push(ESCAPE, 0xdc);
    else if (byte === ESCAPE) out.push(ESCAPE, 0xdd);
    else out.push(byte);
  }
  return Uint8Array.from([...out, END]);
}

export class Bus {
  readonly i2c = new Map<number, I2cDevice>();
  spi: SpiDevice | null = null;
  /** Called after each transaction. */
  onTransfer: () => void = () => {};
  #line: Line | null = null;
  #frame: number[] = [];
  #escaped = false;

  attach(line: Line): void {
    this.#line = line;
    this.#frame = [];
    line.receive = (bytes) => bytes.forEach((byte) => this.#take(byte));
  }

  #take(byte: number): void {
    if (byte === END) {
      const frame = Uint8Array.from(this.#frame.splice(0));
      this.#escaped = false;
      if (frame.length >= 4) this.#run(frame);
    } else if (byte === ESCAPE) {
      this.#escaped = true;
    } else {
      this.#frame.push(this.#escaped ? (byte === 0xdc ? END : ESCAPE) : byte);
      this.#escaped = false;
    }
  }

  /** Runs one request. What a reset cut off looks like none, or like one nobody waits for. */
  #run(frame: Uint8Array): void {
    const [number, kind, third, fourth] = frame as unknown as [number, number, number, number];
    const out = frame.subarray(4);
    if (kind === 0x49) this.#answer(number, this.#i2cAnswer(third, out, fourth));
    if (kind === 0x53) this.#answer(number, this.#spiAnswer(out, third << 8 | fourth));
  }

  #answer(number: number, answer: Uint8Array): void {
    this.#line?.send(escape(concat(Uint8Array.of(number), answer)));
    this.onTransfer();
  }

  #i2cAnswer(address: number, out: Uint8Array, inCount: number): Uint8Array {
    const device = this.i2c.get(address);
    if (!device) return Uint8Array.of(NO_DEVICE);
    if (out.length && !device.write(out)) return Uint8Array.of(NACK);
    const bytes = inCount ? device.read(inCount) : new Uint8Array();
    return bytes ? concat(Uint8Array.of(0), bytes) : Uint8Array.of(NO_DEVICE);
  }

  /** An SPI bus without a device reads ones. */
  #spiAnswer(out: Uint8Array, inCount: number): Uint8Array {
    const bytes = this.spi?.transfer(out, inCount) ?? new Uint8Array(inCount).fill(0xff);
    return concat(Uint8Array.of(0), bytes);
  }
}
