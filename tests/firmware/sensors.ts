/** Sensors as the firmware finds them on its I²C bus: register maps, checksums, raw conversions. */
import type { I2cDevice } from "./bus.ts";

function crc8(bytes: number[]): number {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x80 ? (crc << 1) ^ 0x31 : crc << 1) & 0xff;
  }
  return crc;
}

/** SHT3x: a measurement command, then two words with their checksums. */
export class Sht3x implements I2cDevice {
  celsius = 23.45;
  humidity = 51.2;
  corruptNext = false;
  /** Called before each measurement, so that a test can number the samples. */
  onMeasure: () => void = () => {};
  #ready = false;

  write(bytes: Uint8Array): boolean {
    if (bytes.length !== 2 || bytes[0] !== 0x24 || bytes[1] !== 0x00) return false;
    this.onMeasure();
    this.#ready = true;
    return true;
  }

  read(count: number): Uint8Array | null {
    if (!this.#ready) return null;
    this.#ready = false;
    const words = [
      Math.round((this.celsius + 45) / 175 * 65535),
      Math.round(this.humidity * 655.35),
    ];
    const bytes = words.flatMap((word) => [word >> 8, word & 255, crc8([word >> 8, word & 255])]);
    if (this.corruptNext) bytes[2]! ^= 1;
    this.corruptNext = false;
    return Uint8Array.from(bytes.slice(0, count));
  }
}

/** A device of 256 registers with an address pointer that moves on by itself. */
export class RegisterDevice implements I2cDevice {
  readonly registers = new Uint8Array(256);
  #pointer = 0;

  write(bytes: Uint8Array): boolean {
    this.#pointer = bytes[0]!;
    // These chips take pairs of register and value.
    for (let at = 0; at + 1 < bytes.length; at += 2) {
      this.registers[bytes[at]!] = bytes[at + 1]!;
      this.written(bytes[at]!, bytes[at + 1]!);
    }
    return true;
  }

  read(count: number): Uint8Array {
    return this.registers.slice(this.#pointer, this.#pointer + count);
  }

  protected written(_register: number, _value: number): void {}

  protected put(register: number, ...values: number[]): void {
    this.registers.set(values.map((value) => value & 255), register);
  }
}

/** BME680: only its gas side, computed by the data sheet's floating point formula. */
export class Bme680 extends RegisterDevice {
  raw = 512;
  range = 6;
  heaterStable = true;

  constructor() {
    super();
    this.put(0xd0, 0x61);
    this.put(0x00, 40); // res_heat_val
    this.put(0x02, 0x10); // res_heat_range 1
    this.put(0x04, 0xf0); // range_sw_err -1
    this.put(0xeb, 0xb2, 0xd0, 0xe4, 0x12); // g2 -12110, g1 -28, g3 18
  }

  /** What the present raw value means in ohms. */
  get ohms(): number {
    const percent = [0, 0, 0, 0, 0, -1, 0, -0.8, 0, 0, -0.2, -0.5, 0, -1, 0, 0];
    const scale = [8e6, 4e6, 2e6, 1e6, 499500.4995, 248262.1648, 125000, 63004.03226];
    scale.push(31281.28128, 15625, 7812.5, 3906.25, 1953.125, 976.5625, 488.28125, 244.140625);
    const v = (1340 + 5 * -1) * (1 + percent[this.range]! / 100);
    return v * scale[this.range]! / (this.raw - 512 + v);
  }

  protected override written(register: number, value: number): void {
    if (register !== 0x74 || (value & 3) !== 1) return;
    this.put(0x1d, 0x80);
    const flags = 0x20 | (this.heaterStable ? 0x10 : 0) | this.range;
    this.put(0x2a, this.raw >> 2, (this.raw & 3) << 6 | flags);
  }
}

/** BMP280 or BME280 with the calibration of the data sheet's worked example. */
export class Bmx280 extends RegisterDevice {
  constructor(chipId: 0x58 | 0x60) {
    super();
    const words = [27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000];
    this.put(0xd0, chipId);
    this.put(0x88, ...words.flatMap((word) => [word & 255, (word >> 8) & 255]));
    this.put(0xa1, 75); // h1
    // h2 370, h3 0, h4 313, h5 50, h6 30
    this.put(0xe1, 370 & 255, 370 >> 8, 0, 313 >> 4, (313 & 15) | (50 & 15) << 4, 50 >> 4, 30);
    this.#convert(415148, 519888, 26000);
  }

  /** Raw conversions: the example's 415148 and 519888 are 1006.53 hPa and 25.08 °C. */
  #convert(pressure: number, temperature: number, humidity: number): void {
    const wide = (raw: number) => [raw >> 12, (raw >> 4) & 255, (raw & 15) << 4];
    this.put(0xf7, ...wide(pressure), ...wide(temperature), humidity >> 8, humidity & 255);
  }
}
