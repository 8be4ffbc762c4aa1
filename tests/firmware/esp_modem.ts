/**
 * An ESP-AT Wi-Fi modem on a serial line, bridged to real TCP. What the firmware calls host and
 * port is looked up in `route`, so that a test decides where the broker is.
 */
import { concat, fromLatin1, latin1 } from "./bytes.ts";
import type { Line } from "./emulator.ts";

export interface Address {
  hostname: string;
  port: number;
}

export interface EspOptions {
  ssid: string;
  password: string;
  route: (host: string, port: number) => Address | null;
  /** Unix time in ms that the time server tells. */
  clock: () => number;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export class EspModem implements AsyncDisposable {
  readonly commands: string[] = [];
  onCommand: (command: string) => void = () => {};
  connects = 0;
  /** Whether the access point can be heard. */
  #air = true;
  #joined = false;
  #echo = true;
  #timeAsked = 0;
  #line: Line | null = null;
  #tcp: Deno.TcpConn | null = null;
  #reading: Promise<void> = Promise.resolve();
  #pending = "";
  #dataLeft = 0;
  #working: Promise<void> = Promise.resolve();

  constructor(private readonly options: EspOptions) {}

  attach(line: Line): void {
    this.#line = line;
    this.#pending = "";
    this.#dataLeft = 0;
    this.#echo = true;
    this.#joined = false;
    this.#timeAsked = 0;
    this.#hangUp();
    line.receive = (bytes) => this.#take(fromLatin1(bytes));
    this.#say("ready");
  }

  /** The access point goes away or comes back. */
  setAir(air: boolean): void {
    this.#air = air;
    if (air) return;
    const open = this.#tcp !== null;
    this.#hangUp();
    if (open) this.#say("CLOSED");
    if (this.#joined) this.#say("WIFI DISCONNECT");
    this.#joined = false;
  }

  #say(line: string): void {
    this.#line?.send(latin1(`${line}\r\n`));
  }

  #hangUp(): void {
    try {
      this.#tcp?.close();
    } catch { /* it closed itself */ }
    this.#tcp = null;
  }

  #take(text: string): void {
    if (this.#echo && !this.#dataLeft) this.#line?.send(latin1(text));
    this.#pending += text;
    while (this.#step()) { /* until nothing is complete */ }
  }

  #step(): boolean {
    if (this.#dataLeft) {
      if (this.#pending.length < this.#dataLeft) return false;
      const data = latin1(this.#pending.slice(0, this.#dataLeft));
      this.#pending = this.#pending.slice(this.#dataLeft);
      this.#dataLeft = 0;
      this.#queue(() => this.#transmit(data));
      return true;
    }
    const end = this.#pending.indexOf("\r\n");
    if (end < 0) return false;
    const command = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end + 2);
    this.commands.push(command);
    const send = /^AT\+CIPSEND=(\d+)$/.exec(command);
    if (send && this.#tcp) {
      this.#dataLeft = Number(send[1]);
      this.#line?.send(latin1("\r\nOK\r\n\r\n> "));
    } else {
      this.#queue(() => this.#answer(command));
    }
    queueMicrotask(() => this.onCommand(command));
    return true;
  }

  #queue(work: () => Promise<void>): void {
    this.#working = this.#working.then(work);
  }

  async #answer(command: string): Promise<void> {
    if (command.startsWith("AT+CWJAP=")) return this.#join(command);
    if (command.startsWith("AT+CIPSTART=")) return await this.#connect(command);
    if (command === "AT+CIPSNTPTIME?") return this.#tellTime();
    if (command === "AT+CIPCLOSE") return this.#close();
    if (command === "ATE0") this.#echo = false;
    const known = /^(AT|ATE0|AT\+CWMODE=1|AT\+CIPMUX=0|AT\+CIPSNTPCFG=1,0,".*")$/.test(command);
    this.#say(known ? "\r\nOK" : "\r\nERROR");
  }

  /** What stands between quotes, without the escapes. */
  #quoted(command: string): string[] {
    const found = command.matchAll(/"((?:\\.|[^"\\])*)"/g);
    return [...found].map((match) => match[1]!.replace(/\\(.)/g, "$1"));
  }

  #join(command: string): void {
    const [ssid, password] = this.#quoted(command);
    const right = ssid === this.options.ssid && password === this.options.password;
    if (!this.#air || !right) return this.#say(`+CWJAP:${this.#air ? 2 : 3}\r\n\r\nFAIL`);
    this.#joined = true;
    this.#say("WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK");
  }

  /** The first answer comes before the time server has been heard. */
  #tellTime(): void {
    const date = new Date(this.#timeAsked++ ? this.options.clock() : 0);
    const two = (value: number) => String(value).padStart(2, "0");
    const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two);
    const day = `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${two(date.getUTCDate())}`;
    this.#say(`+CIPSNTPTIME:${day} ${time.join(":")} ${date.getUTCFullYear()}\r\nOK`);
  }

  #close(): void {
    if (!this.#tcp) return this.#say("\r\nERROR");
    this.#hangUp();
    this.#say("CLOSED\r\n\r\nOK");
  }

  async #connect(command: string): Promise<void> {
    const [, host] = this.#quoted(command);
    const port = Number(/,(\d+)$/.exec(command)?.[1]);
    const to = this.#joined ? this.options.route(host!, port) : null;
    const tcp = to ? await Deno.connect(to).catch(() => null) : null;
    if (!tcp) return this.#say("\r\nERROR\r\nCLOSED");
    tcp.setNoDelay(true);
    this.connects++;
    this.#tcp = tcp;
    this.#reading = Promise.all([this.#reading, this.#read(tcp)]).then(() => {});
    this.#say("CONNECT\r\n\r\nOK");
  }

  async #read(tcp: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(1460);
    for (;;) {
      const count = await tcp.read(buffer).catch(() => null);
      if (count === null) break;
      if (tcp !== this.#tcp) continue;
      this.#line?.send(concat(latin1(`\r\n+IPD,${count}:`), buffer.slice(0, count)));
    }
    if (tcp !== this.#tcp) return;
    this.#hangUp();
    this.#say("CLOSED");
  }

  async #transmit(data: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < data.length;) at += await this.#tcp!.write(data.subarray(at));
      this.#say(`\r\nRecv ${data.length} bytes\r\n\r\nSEND OK`);
    } catch {
      this.#say("\r\nSEND FAIL");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#line = null;
    await this.#working;
    this.#hangUp();
    await this.#reading;
  }
}
