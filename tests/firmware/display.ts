/** SSD1306 as the firmware drives it (page addressing), and the reading of what it shows. */
import type { I2cDevice } from "./bus.ts";

const COLUMNS = 128;
const PAGES = 8;

export class Ssd1306 implements I2cDevice {
  on = false;
  pageAddressing = false;
  readonly memory = new Uint8Array(COLUMNS * PAGES);
  #page = 0;
  #column = 0;

  write(bytes: Uint8Array): boolean {
    if (bytes[0] === 0x40) this.#draw(bytes.subarray(1));
    else if (bytes[0] === 0x00) this.#command([...bytes.subarray(1)]);
    else return false;
    return true;
  }

  read(): null {
    return null;
  }

  #draw(columns: Uint8Array): void {
    for (const bits of columns) {
      this.memory[this.#page * COLUMNS + this.#column] = bits;
      this.#column = (this.#column + 1) % COLUMNS;
    }
  }

  #command(bytes: number[]): void {
    const withArgument = [0x20, 0x81, 0x8d, 0xa8, 0xd3, 0xd5, 0xd9, 0xda, 0xdb];
    for (let command = bytes.shift(); command !== undefined; command = bytes.shift()) {
      if (command >= 0xb0 && command <= 0xb7) this.#page = command & 7;
      else if (command <= 0x0f) this.#column = (this.#column & 0xf0) | command;
      else if (command <= 0x1f) this.#column = (this.#column & 0x0f) | (command & 15) << 4;
      else if (command === 0xae || command === 0xaf) this.on = command === 0xaf;
      else if (withArgument.includes(command)) {
        const argument = bytes.shift();
        if (command === 0x20) this.pageAddressing = argument === 2;
      }
    }
  }

  /** The picture as text, read with the firmware's own font; an unreadable cell becomes
   * "\u2588". */
  text(font: Map<string, string>): string[] {
    return Array.from({ length: PAGES }, (_, page) => {
      const cells = Array.from({ length: 21 }, (_, cell) => this.#cell(page, cell));
      return cells.map((columns) => font.get(columns) ?? "\u2588").join("").trimEnd();
    });
  }

  #cell(page: number, cell: number): string {
    const at = page * COLUMNS + cell * 6;
    return this.memory.slice(at, at + 6).join(",");
  }
}

/** The glyphs of `firmware/src/font5x7.h` by their columns. */
export async function readFont(): Promise<Map<string, string>> {
  const source = await Deno.readTextFile(new URL("../../firmware/src/font5x7.h", import.meta.url));
  const glyphs = [...source.matchAll(/\{(0x[^}]*)\}/g)];
  return new Map(glyphs.map((glyph, index) => {
    const rows = glyph[1]!.split(",").map(Number);
    const column = (x: number) =>
      rows.reduce((bits, row, y) => bits | (row & (0x10 >> x) ? 1 << y : 0), 0);
    return [[0, 1, 2, 3, 4].map(column).join(",") + ",0", String.fromCharCode(0x20 + index)];
  }));
}
