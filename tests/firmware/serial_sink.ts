/**
 * Where the receiver's virtual COM port leads. The harness hands a path to a function of this type
 * and later asks what has been stored; the plain reader below is one, the gateway with its serial
 * source and its database is another.
 */
import { Changes } from "./changes.ts";
import { fromLatin1 } from "./bytes.ts";

export interface SerialSink extends AsyncDisposable {
  /** Values of one measurement of node 1 in the order of their storage. */
  stored(measurement: "temperature" | "humidity" | "gas_resistance"): Promise<number[]>;
  /** Resolves once the packet with this humidity of node 1 is stored. */
  until(humidity: number): Promise<void>;
}

export type OpenSerialSink = (path: string) => Promise<SerialSink>;

interface Packet {
  n1: { t: number; h: number; g?: number };
}

/** Reads the port as an operator would: `stty` once, then `cat`. */
export async function openReader(path: string): Promise<SerialSink> {
  const stty = new Deno.Command("stty", { args: ["-F", path, "raw", "-echo", "115200"] });
  const { success } = await stty.output();
  if (!success) throw new Error(`Cannot set up ${path}`);
  return new Reader(path);
}

class Reader implements SerialSink {
  readonly packets: Packet[] = [];
  #changes = new Changes();
  #cat: Deno.ChildProcess;
  #reading: Promise<void>;

  constructor(path: string) {
    this.#cat = new Deno.Command("cat", { args: [path], stdout: "piped", stderr: "null" }).spawn();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    let pending = "";
    for await (const chunk of this.#cat.stdout) {
      const lines = (pending + fromLatin1(chunk)).split("\n");
      pending = lines.pop()!;
      for (const line of lines) if (line.startsWith("{")) this.packets.push(JSON.parse(line));
      this.#changes.announce();
    }
  }

  stored(measurement: "temperature" | "humidity" | "gas_resistance"): Promise<number[]> {
    const key = ({ temperature: "t", humidity: "h", gas_resistance: "g" } as const)[measurement];
    const values = this.packets.map((packet) => packet.n1[key]);
    return Promise.resolve(values.filter((value) => value !== undefined));
  }

  until(humidity: number): Promise<void> {
    const arrived = () => this.packets.at(-1)?.n1.h === humidity;
    return this.#changes.until(arrived, `the packet with ${humidity} %`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cat.kill("SIGTERM");
    await this.#cat.status;
    await this.#reading;
  }
}
