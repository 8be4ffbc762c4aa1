import { strictEqual } from "node:assert/strict";
import { isSameUnit, wellKnownUnit } from "@/model/unit.ts";

Deno.test("well-known measurements have the units that the contract names", () => {
  const cases: [string, string | null][] = [
    ["temperature", "celsius"],
    ["humidity", "percent"],
    ["pressure", "hpa"],
    ["gas_resistance", "ohms"],
    ["rssi", "dbm"],
    ["snr", "db"],
    ["voltage", "volts"],
    ["current", "amperes"],
    ["power", "watts"],
    ["energy", "kwh"],
    ["battery", "percent"],
    ["co2", "ppm"],
    ["illuminance", "lux"],
    ["Temperature", "celsius"],
    ["pm2.5", "ug/m3"],
    ["packets_received", null],
    ["crc_errors", null],
    ["constructor", null],
    ["tx_power", null],
  ];
  for (const [measurement, unit] of cases) strictEqual(wellKnownUnit(measurement), unit);
});

Deno.test("spellings of one unit are the same, other units are not", () => {
  for (const spelling of ["celsius", "°C", "c", "degC", " Celsius "]) {
    strictEqual(isSameUnit("celsius", spelling), true, spelling);
  }
  strictEqual(isSameUnit("hPa", "mbar"), true);
  strictEqual(isSameUnit("Ω", "ohms"), true);
  strictEqual(isSameUnit("pa", "hpa"), false);
  strictEqual(isSameUnit("furlong", "Furlong"), true);
  strictEqual(isSameUnit("celsius", "fahrenheit"), false);
});
