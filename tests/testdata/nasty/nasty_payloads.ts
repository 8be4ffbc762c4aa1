/** One nasty input with the answers it must get; see the README beside. */
export interface NastyPayload {
  name: string;
  topic: string;
  payload: Uint8Array;
  /** Per message in it: `accepted`, or the reason of its dead letter. */
  mqtt: string[];
  /** `accepted`, a reason, or null where the topic has no HTTP counterpart. */
  http: string | null;
}

type Part = string | { hex: string } | { repeat: string; times: number };

interface Entry {
  name: string;
  topic?: string;
  payload: Part[];
  mqtt: (string | { repeat: string; times: number })[];
  http?: string;
}

/** Reads all of them; needs to read `tests/testdata`. */
export async function nastyPayloads(): Promise<NastyPayload[]> {
  const text = await Deno.readTextFile(new URL("./payloads.json", import.meta.url));
  const entries: Entry[] = JSON.parse(text);
  return entries.map(({ name, topic, payload, mqtt, http }) => ({
    name,
    topic: topic ?? "devices/nasty/telemetry",
    payload: joined(payload.map(bytesOf)),
    mqtt: mqtt.flatMap((item) => {
      return typeof item === "string" ? [item] : Array<string>(item.times).fill(item.repeat);
    }),
    http: http ?? null,
  }));
}

function bytesOf(part: Part): Uint8Array {
  if (typeof part === "string") return new TextEncoder().encode(part);
  if ("repeat" in part) return new TextEncoder().encode(part.repeat.repeat(part.times));
  return Uint8Array.from(part.hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function joined(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
