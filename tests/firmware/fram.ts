/** A 32 KB SPI FRAM; its content outlives power cuts of the node. */
import type { SpiDevice } from "./bus.ts";

const SIZE = 32768;

export class Fram implements SpiDevice {
  readonly content = new Uint8Array(SIZE).fill(0xff);
  writes = 0;
  #writeEnabled = false;

  transfer(out: Uint8Array, inCount: number): Uint8Array {
    const address = ((out[1] ?? 0) << 8 | (out[2] ?? 0)) % SIZE;
    switch (out[0]) {
      case 0x06:
      case 0x04:
        this.#writeEnabled = out[0] === 0x06;
        break;
      case 0x05:
        return new Uint8Array(inCount).fill(this.#writeEnabled ? 2 : 0);
      case 0x03:
        return Uint8Array.from({ length: inCount }, (_, i) => this.content[(address + i) % SIZE]!);
      case 0x02:
        this.#write(address, out.subarray(3));
    }
    return new Uint8Array(inCount);
  }

  /** Each write needs its own permission, as on the chip. */
  #write(address: number, bytes: Uint8Array): void {
    if (!this.#writeEnabled) return;
    bytes.forEach((byte, i) => this.content[(address + i) % SIZE] = byte);
    this.#writeEnabled = false;
    this.writes++;
  }
}
