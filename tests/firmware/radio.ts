/**
 * RYLR998 modems that share one radio channel with loss, delay, corruption and collisions.
 *
 * Two packets that overlap in the air destroy each other. Corruption flips one to three bits of a
 * payload; a corrupted acknowledgement is lost instead, because it has no CRC of its own and the
 * modem's checks it in the air. A modem with a sleeping or starting owner hears nothing.
 */
import { concat, fromLatin1, latin1 } from "./bytes.ts";
import type { Line } from "./emulator.ts";
import type { Random } from "../../firmware/model/random.ts";

export interface RadioConditions {
  /** Probability that a packet does not arrive. */
  loss: number;
  /** Probability that a packet arrives with flipped bits. */
  corruption: number;
  delayMsMax: number;
  /** Whether overlapping packets destroy each other. */
  collisions: boolean;
}

export const CLEAR_SKY: RadioConditions = {
  loss: 0,
  corruption: 0,
  delayMsMax: 0,
  collisions: false,
};

export interface AirPacket {
  from: number;
  to: number;
  payload: Uint8Array;
  fate: "delivered" | "lost" | "corrupted" | "collided" | "unheard";
}

const ACK_BYTES_MAX = 4;
/** SF 7 at 500 kHz: some 12 ms for our packets. */
const AIR_MS = 12;

export class Radio {
  conditions: RadioConditions = { ...CLEAR_SKY };
  readonly log: AirPacket[] = [];
  onPacket: (packet: AirPacket) => void = () => {};
  #modems: Modem[] = [];
  #busyUntil = 0;
  #inAir: AirPacket | null = null;
  #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(readonly random: Random) {}

  join(modem: Modem): void {
    this.#modems.push(modem);
  }

  transmit(from: Modem, to: number, payload: Uint8Array): void {
    const packet: AirPacket = { from: from.address, to, payload, fate: "delivered" };
    this.log.push(packet);
    this.#collide(packet);
    this.#spoil(packet);
    this.#later(() => this.#arrive(packet), this.random.below(this.conditions.delayMsMax + 1));
  }

  #collide(packet: AirPacket): void {
    const now = performance.now();
    const overlaps = this.conditions.collisions && now < this.#busyUntil && this.#inAir;
    if (overlaps) packet.fate = this.#inAir!.fate = "collided";
    this.#busyUntil = now + AIR_MS;
    this.#inAir = packet;
  }

  #spoil(packet: AirPacket): void {
    if (packet.fate !== "delivered") return;
    if (this.random.chance(this.conditions.loss)) packet.fate = "lost";
    else if (this.random.chance(this.conditions.corruption)) {
      packet.fate = packet.payload.length <= ACK_BYTES_MAX ? "lost" : "corrupted";
    }
    if (packet.fate === "corrupted") packet.payload = this.#flipBits(packet.payload);
  }

  #flipBits(payload: Uint8Array): Uint8Array {
    const bits = new Set<number>();
    const count = 1 + this.random.below(3);
    while (bits.size < count) bits.add(this.random.below(payload.length * 8));
    const flipped = payload.slice();
    for (const bit of bits) flipped[bit >> 3]! ^= 1 << (bit & 7);
    return flipped;
  }

  /** With nothing to wait for, arrival is at once: a burst then runs as fast as the emulator. */
  #later(act: () => void, delayMs: number): void {
    const airMs = this.conditions.collisions ? AIR_MS : 0;
    if (delayMs + airMs === 0) return act();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, delayMs + airMs);
    this.#timers.add(timer);
  }

  #arrive(packet: AirPacket): void {
    const heard = packet.fate === "delivered" || packet.fate === "corrupted";
    const receivers = this.#modems.filter((modem) =>
      modem.address === packet.to && modem.listening
    );
    if (heard && receivers.length === 0) packet.fate = "unheard";
    if (heard) receivers.forEach((modem) => modem.hear(packet));
    this.onPacket(packet);
  }

  /** Forgets what is still in the air. */
  close(): void {
    this.#timers.forEach(clearTimeout);
    this.#timers.clear();
  }
}

/** A RYLR998 on a serial line: checks every command as the real one would. */
export class Modem {
  address = 0;
  readonly settings = new Map<string, string>();
  readonly commands: string[] = [];
  /** Answers to give instead of the modem's own, first in first out; null means silence. */
  readonly forced: { match: RegExp; reply: string | null }[] = [];
  /** Called after each command. */
  onCommand: (command: string) => void = () => {};
  asleep = false;
  rssi = -32;
  snr = 12;
  #line: Line | null = null;
  #pending = "";

  constructor(readonly radio: Radio) {
    radio.join(this);
  }

  get listening(): boolean {
    return this.#line !== null && !this.asleep;
  }

  /** Power comes: settings are back to the factory's, `+READY` is said. */
  attach(line: Line): void {
    this.#line = line;
    this.#pending = "";
    this.address = 0;
    this.asleep = false;
    this.settings.clear();
    line.receive = (bytes) => this.#take(bytes);
    this.say("+READY");
  }

  detach(): void {
    this.#line = null;
  }

  say(reply: string): void {
    this.#line?.send(latin1(reply + "\r\n"));
  }

  /** Raw bytes to the firmware, for what no good modem would say. */
  inject(bytes: Uint8Array): void {
    this.#line?.send(bytes);
  }

  hear(packet: AirPacket): void {
    const head = latin1(`+RCV=${packet.from},${packet.payload.length},`);
    this.inject(concat(head, packet.payload, latin1(`,${this.rssi},${this.snr}\r\n`)));
  }

  #take(bytes: Uint8Array): void {
    this.#pending += fromLatin1(bytes);
    for (let length = this.#commandLength(); length > 0; length = this.#commandLength()) {
      const command = this.#pending.slice(0, length - 2);
      this.#pending = this.#pending.slice(length);
      this.#answer(command);
    }
  }

  /** Length of the first command with its CR LF, 0 while it is incomplete. */
  #commandLength(): number {
    const send = /^AT\+SEND=(\d+),(\d+),/.exec(this.#pending);
    const from = send ? send[0].length + Number(send[2]) : 0;
    if (this.#pending.length < from) return 0;
    const end = this.#pending.indexOf("\r\n", from);
    return end < 0 ? 0 : end + 2;
  }

  #answer(command: string): void {
    this.commands.push(command);
    queueMicrotask(() => this.onCommand(command));
    const forced = this.forced.findIndex((entry) => entry.match.test(command));
    if (forced >= 0) {
      const { reply } = this.forced.splice(forced, 1)[0]!;
      if (reply !== null) this.say(reply);
      return;
    }
    const send = /^AT\+SEND=(\d+),(\d+),([^]*)$/.exec(command);
    if (send) this.#send(Number(send[1]), Number(send[2]), send[3]!);
    else this.say(this.#set(command));
  }

  #send(to: number, length: number, payload: string): void {
    if (length > 240) return this.say("+ERR=13");
    if (payload.length !== length) return this.say("+ERR=5");
    if (this.asleep) return; // a sleeping modem answers nothing but AT+MODE=0
    this.say("+OK");
    this.radio.transmit(this, to, latin1(payload));
  }

  #set(command: string): string {
    if (!command.startsWith("AT")) return "+ERR=2";
    if (command === "AT") return "+OK";
    const setting = /^AT\+(ADDRESS|NETWORKID|BAND|CRFOP|PARAMETER|MODE)=([\d,]+)$/.exec(command);
    if (!setting) return "+ERR=4";
    const [, name, value] = setting as unknown as [string, string, string];
    this.settings.set(name, value);
    if (name === "ADDRESS") this.address = Number(value);
    if (name === "MODE") this.asleep = value === "1";
    return "+OK";
  }
}
