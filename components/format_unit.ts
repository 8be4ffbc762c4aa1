/** Units and names of measurements as people write them. */

const SYMBOLS: Record<string, string> = {
  celsius: "°C",
  percent: "%",
  hpa: "hPa",
  ohms: "Ω",
  dbm: "dBm",
  db: "dB",
  volts: "V",
  amperes: "A",
  watts: "W",
  kwh: "kWh",
  lux: "lx",
  ppm: "ppm",
};

/** What people write for a unit's name; an unknown one as it is. */
export function unitSymbol(unit: string | null): string {
  return unit === null ? "" : SYMBOLS[unit] ?? unit;
}

/** `gas_resistance` → `Gas resistance`. */
export function measurementTitle(measurement: string): string {
  const words = measurement.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
