/** Units of well-known measurements, and which spellings of a unit mean the same. */

/** Unit per measurement name, as long as nothing else says otherwise. */
const WELL_KNOWN: ReadonlyMap<string, string> = new Map(
  Object.entries({
    celsius: [
      "temperature",
      "temp",
      "air_temperature",
      "ambient_temperature",
      "board_temperature",
      "cpu_temperature",
      "device_temperature",
      "dew_point",
      "inside_temperature",
      "outside_temperature",
      "soil_temperature",
      "surface_temperature",
      "water_temperature",
    ],
    percent: [
      "humidity",
      "air_humidity",
      "ambient_humidity",
      "battery",
      "battery_level",
      "battery_percent",
      "relative_humidity",
      "soil_humidity",
      "soil_moisture",
    ],
    hpa: ["pressure", "air_pressure", "atmospheric_pressure", "barometric_pressure"],
    ohms: ["gas_resistance", "resistance"],
    dbm: ["rssi"],
    db: ["snr"],
    volts: ["voltage", "battery_voltage", "supply_voltage"],
    amperes: ["current"],
    watts: ["power", "active_power"],
    kwh: ["energy"],
    hz: ["frequency"],
    ppm: ["co2", "carbon_dioxide", "co2_ppm"],
    ppb: ["tvoc"],
    "ug/m3": ["pm1", "pm10", "pm2.5", "pm25", "pm2_5"],
    lux: ["illuminance", "light"],
    "m/s": ["wind_speed"],
    mm: ["rain", "rainfall", "precipitation"],
    degrees: ["wind_direction", "heading", "latitude", "longitude"],
    seconds: ["uptime"],
  }).flatMap(([unit, names]) => names.map((name) => [name, unit] as const)),
);

/** Every unit with the names of measurements that have it when nothing else is said. */
export function wellKnownUnits(): Map<string, string[]> {
  const byUnit = Map.groupBy(WELL_KNOWN, ([, unit]) => unit);
  return new Map([...byUnit].map(([unit, entries]) => [unit, entries.map(([name]) => name)]));
}

/** Spellings that devices use, in lower case, under the word by which the gateway knows the unit. */
const SPELLINGS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    celsius: ["°c", "℃", "c", "degc", "deg_c", "degree_celsius", "degrees_celsius"],
    fahrenheit: ["°f", "℉", "f", "degf", "deg_f", "degrees_fahrenheit"],
    kelvin: ["k"],
    percent: ["%", "%rh", "rh%", "rh", "pct"],
    hpa: ["mbar", "millibar", "hectopascal", "hectopascals"],
    pa: ["pascal", "pascals"],
    kpa: ["kilopascal", "kilopascals"],
    ohms: ["ω", "ohm"],
    volts: ["v", "volt"],
    amperes: ["a", "amp", "amps", "ampere"],
    watts: ["w", "watt"],
    lux: ["lx"],
  }).flatMap(([unit, spellings]) => spellings.map((spelling) => [spelling, unit] as const)),
);

/** Unit of a well-known measurement; null for any other name. Case does not matter. */
export function wellKnownUnit(measurement: string): string | null {
  return WELL_KNOWN.get(measurement) ?? WELL_KNOWN.get(measurement.toLowerCase()) ?? null;
}

/** True when two units are the same under different spellings: `°C` and `celsius`. */
export function isSameUnit(a: string, b: string): boolean {
  return a === b || canonical(a) === canonical(b);
}

function canonical(unit: string): string {
  const lower = unit.trim().toLowerCase();
  return SPELLINGS.get(lower) ?? lower;
}
