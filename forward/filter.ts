import type { FilterOptions } from "@/forward/forward_types.ts";
import type { Attribute, Normalized, Prediction, Reading } from "@/model/reading.ts";

/** Under this name a filter's `measurements` let predictions through. */
export const PREDICTION_MEASUREMENT = "prediction";

/** Names remembered with their verdict; then all are forgotten and judged anew. */
const VERDICTS_MAX = 10_000;

/** What of a message goes to one destination: by device and by measurement (attribute: by name). */
export class Filter {
  readonly #device: NameFilter | null;
  readonly #measurement: NameFilter | null;

  constructor(options: FilterOptions) {
    this.#device = options.devices.length === 0 ? null : new NameFilter(options.devices);
    this.#measurement = options.measurements.length === 0
      ? null
      : new NameFilter(options.measurements);
  }

  takesReading(reading: Reading): boolean {
    return this.#takes(reading.device, reading.measurement);
  }

  takesPrediction(prediction: Prediction): boolean {
    return this.#takes(prediction.device, PREDICTION_MEASUREMENT);
  }

  takesAttribute(attribute: Attribute): boolean {
    return this.#takes(attribute.device, attribute.name);
  }

  /** True when at least one part of the message passes. */
  takesAny(normalized: Normalized, { attributes }: { attributes: boolean }): boolean {
    return normalized.readings.some((reading) => this.takesReading(reading)) ||
      normalized.predictions.some((prediction) => this.takesPrediction(prediction)) ||
      (attributes && normalized.attributes.some((attribute) => this.takesAttribute(attribute)));
  }

  #takes(device: string, measurement: string): boolean {
    return (this.#device?.matches(device) ?? true) &&
      (this.#measurement?.matches(measurement) ?? true);
  }
}

class NameFilter {
  readonly #pattern: RegExp;
  readonly #verdicts = new Map<string, boolean>();

  constructor(globs: string[]) {
    this.#pattern = new RegExp(`^(?:${globs.map(globSource).join("|")})$`, "su");
  }

  matches(name: string): boolean {
    const known = this.#verdicts.get(name);
    if (known !== undefined) return known;
    if (this.#verdicts.size >= VERDICTS_MAX) this.#verdicts.clear();
    const verdict = this.#pattern.test(name);
    this.#verdicts.set(name, verdict);
    return verdict;
  }
}

function globSource(glob: string): string {
  return glob.split("*").map(RegExp.escape).join(".*");
}
