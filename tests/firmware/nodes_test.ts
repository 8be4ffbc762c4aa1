/** Nodes 1 and 2 as the real ELFs in the emulator, from sensor to serial line. */
import assert from "node:assert/strict";
import { BUDGETS } from "../../firmware/budget.ts";
import { crc16, fromHex, latin1 } from "./bytes.ts";
import { readFont } from "./display.ts";
import { RadioBench, upTo } from "./radio_bench.ts";
import { burstInto } from "./radio_scenario.ts";
import { openReader } from "./serial_sink.ts";
import { Bmx280 } from "./sensors.ts";

Deno.test("300 packets in a burst come through a pty, each once", () => burstInto(openReader));

interface GoldenSensors {
  valid: {
    name: string;
    seq: number;
    temperature_x10: number;
    humidity_x100: number;
    gas_ohms: number;
    frame: string;
  }[];
  invalid: { name: string; frame: string; error: string }[];
}

async function goldenSensors(): Promise<GoldenSensors> {
  const url = new URL("../testdata/wire/sensor_packets.json", import.meta.url);
  return JSON.parse(await Deno.readTextFile(url));
}

function received(frame: Uint8Array): Uint8Array {
  const head = latin1(`+RCV=1,${frame.length},`);
  return Uint8Array.from([...head, ...frame, ...latin1(",-32,12\r\n")]);
}

/** A valid sensor frame whose bytes hold `+RCV=`: the last two are its CRC. */
function frameHoldingReceive(): Uint8Array {
  for (let seq = 16384; seq < 65536; seq++) {
    const varint = [seq & 127 | 128, seq >> 7 & 127 | 128, seq >> 14];
    const body = Uint8Array.from([...varint, ...latin1("+RC")]);
    if (crc16(body) === 0x563d) return Uint8Array.from([...body, ...latin1("V=")]);
  }
  throw new Error("no sequence number gives that CRC");
}

/** Sends the frame from the air and returns what node 2 acknowledged. */
async function acknowledgementOf(bench: RadioBench, frame: Uint8Array): Promise<string> {
  const from = bench.node2.modem.commands.length;
  bench.node2.modem.inject(received(frame));
  const find = () => bench.node2.modem.commands.slice(from).find((c) => c.startsWith("AT+SEND"));
  await bench.changes.until(() => find() !== undefined, "an acknowledgement");
  return find()!;
}

Deno.test("node 2 reads every golden frame, whatever bytes it holds", async () => {
  await using bench = await RadioBench.start();
  await bench.node1.powerOff();
  const golden = await goldenSensors();
  for (const packet of golden.valid) {
    const lines = bench.node2.packets().length;
    const ack = await acknowledgementOf(bench, fromHex(packet.frame));
    assert.ok(ack.includes("\x01"), packet.name);
    await bench.changes.until(() => bench.node2.packets().length > lines, packet.name);
    const { n1 } = bench.node2.packets().at(-1)!;
    assert.equal(n1.t, packet.temperature_x10 / 10, packet.name);
    assert.equal(n1.h, packet.humidity_x100 / 100, packet.name);
    assert.equal(n1.g, packet.gas_ohms || undefined, packet.name);
  }
  const told = bench.node2.packets().length;
  for (const packet of golden.invalid.filter((entry) => entry.frame !== "")) {
    assert.ok(
      (await acknowledgementOf(bench, fromHex(packet.frame))).includes("\x02"),
      packet.name,
    );
  }
  const nasty = frameHoldingReceive();
  assert.ok((await acknowledgementOf(bench, nasty)).includes("\x01"));
  await bench.changes.until(() => bench.node2.packets().length === told + 1, "the nasty frame");
  const { sts } = bench.node2.packets().at(-1)!;
  assert.equal(sts.err, golden.invalid.filter((e) => e.error === "crc" && e.frame).length);
  assert.equal(sts.dec, golden.invalid.filter((e) => e.error === "decode").length);
  assert.equal(sts.frm, 0);
  const { stack } = await bench.node2.stats();
  assert.ok(stack! <= BUDGETS[2].stack, `stack ${stack}`);
});

Deno.test("a corrupted packet is refused and the same packet is sent again", async () => {
  await using bench = await RadioBench.start();
  await bench.changes.until(() => bench.node1.modem.asleep, "the first sample is acknowledged");
  bench.radio.conditions.corruption = 1;
  bench.radio.onPacket = (packet) => {
    if (packet.fate === "corrupted") bench.radio.conditions.corruption = 0;
    bench.changes.announce();
  };
  bench.node1.type("sample");
  await bench.changes.until(() => bench.told().length === 2, "the repeated sample");
  assert.deepEqual(bench.told(), [1, 2]);
  assert.equal(bench.node2.packets().at(-1)!.sts.err, 1);
  assert.deepEqual([...bench.transmissions().values()], [1, 2]);
  const stats = await bench.node1.stats();
  assert.equal(stats.nacks, 1);
  assert.equal(stats.timeouts, 0);
});

Deno.test("errors of the modems cost attempts, not packets", async () => {
  await using bench = await RadioBench.start({
    prepare: ({ node1, node2 }) => {
      node1.modem.forced.push({ match: /^AT\+BAND/, reply: "+ERR=4" });
      node2.modem.forced.push({ match: /^AT\+NETWORKID/, reply: "+ERR=1" });
    },
  });
  bench.node1.modem.forced.push({ match: /^AT\+SEND/, reply: "+ERR=10" });
  bench.node2.modem.forced.push({ match: /^AT\+SEND/, reply: "+ERR=17" });
  bench.node2.modem.say("+ERR=12");
  await bench.changes.until(() => bench.told().length === 1, "the sample in spite of all");
  const one = await bench.node1.stats(), two = await bench.node2.stats();
  assert.deepEqual([one.modem_errors, one.refused, one.lost], [2, 1, 0]);
  assert.deepEqual([two.modem_errors, two.acks_failed, two.received], [3, 0, 1]);
});

Deno.test("over a bad channel each sample is told at most once", async () => {
  const seed = Number(Deno.env.get("SLUICE_TEST_SEED") ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`seed ${seed}`);
  await using bench = await RadioBench.start({ seed });
  bench.radio.conditions = { loss: 0.15, corruption: 0.1, delayMsMax: 40, collisions: true };
  bench.node1.type("interval 3600");
  bench.node1.type("burst 12");
  await bench.changes.until(() => bench.samples === 13, "all samples are taken");
  await bench.changes.until(() => bench.node1.modem.asleep, "the link comes to rest");
  const one = await bench.node1.stats();
  assert.equal(one.delivered! + one.lost!, 13);
  await bench.changes.until(() => bench.told().length >= one.delivered!, "what was acknowledged");
  const told = bench.told();
  assert.deepEqual(told, [...new Set(told)].sort((a, b) => a - b));
  const sent = [...bench.transmissions().values()];
  assert.ok(sent.every((times) => times <= 4));
  assert.equal(sent.reduce((sum, times) => sum + times), one.transmissions);
  const exhausted = sent.filter((times) => times === 4).length;
  assert.ok(13 - told.length <= exhausted, "a sample was given up early");
  assert.equal((await bench.node2.stats()).received, told.length);
});

Deno.test("power cuts of either node lose nothing that was acknowledged", async () => {
  await using bench = await RadioBench.start();
  const acknowledged = new Set<string>();
  bench.node1.type("burst 60");
  await bench.changes.until(() => bench.told().length >= 20, "a third of the burst");
  await bench.node1.powerOff();
  await bench.node1.powerOn();
  await bench.node1.ready();
  const atCut = bench.samples;
  bench.node1.type("burst 40");
  await bench.changes.until(() => bench.told().length >= 40, "two thirds");
  await bench.node2.powerOff();
  await bench.node2.powerOn();
  const upToNow = () => bench.told().at(-1) ?? 0;
  await bench.changes.until(() => upToNow() >= atCut + 40, "the burst goes on by itself");
  for (const sample of bench.told()) acknowledged.add(String(sample));
  // Missing may only be the sample that node 1 held when its power went.
  const missing = upTo(atCut + 40).filter((sample) => !acknowledged.has(String(sample)));
  assert.ok(missing.length <= 1, `missing ${missing}`);
  assert.ok(bench.told().length - acknowledged.size <= 1, "only the cut of node 2 may repeat one");
  assert.equal((await bench.node1.stats()).lost, 0);
});

Deno.test("displays show what was measured", async () => {
  const font = await readFont();
  await using bench = await RadioBench.start();
  bench.node1.type("interval 3600"); // one sample, so that the pages stand still
  const shows = (node: 1 | 2, ...lines: string[]) => {
    const display = node === 1 ? bench.node1.display : bench.node2.display;
    const picture = () => display.text(font);
    return bench.changes.until(
      () => display.on && display.pageAddressing && lines.every((l) => picture().includes(l)),
      `node ${node} shows ${lines}`,
    );
  };
  const gas = `GAS OHM ${Math.round(bench.bme680.ohms)}`;
  await Promise.all([
    shows(1, "NODE 1        CLIMATE", "TEMP C  23.5", "HUM %   0.0", gas, "PACKET  1"),
    shows(2, "NODE 2         REMOTE", "TEMP C  23.5", gas, "RSSI    -32", "SNR     12"),
    shows(2, "NODE 2            OWN", "TEMP C  23.4", "HUM %   51.2"),
    shows(1, "NODE 1           LINK", "DELIVERED 1", "LOST      0"),
    shows(2, "NODE 2           LINK", "RECEIVED  1", "CRC ERR   0"),
  ]);
});

Deno.test("absent and broken sensors leave out what they would have measured", async () => {
  await using bench = await RadioBench.start({
    prepare: ({ node1, node2 }) => {
      node1.bus.i2c.delete(0x77);
      node2.bus.i2c.delete(0x44);
      node2.bus.i2c.delete(0x3c);
    },
  });
  await bench.changes.until(() => bench.told().length === 1, "a sample without gas");
  const [first] = bench.node2.packets();
  assert.deepEqual([first!.n1.g, first!.n2], [undefined, {}]);
  bench.node1.sht3x.corruptNext = true;
  bench.node1.type("sample");
  const warned = () => bench.node1.lines.some((line) => line.includes("no valid reading"));
  await bench.changes.until(warned, "a wrong checksum is told");
  for (const [chip, keys] of [[0x58, ["t", "p"]], [0x60, ["t", "h", "p"]]] as const) {
    bench.node2.bus.i2c.set(0x76, new Bmx280(chip));
    await bench.node2.powerOff();
    await bench.node2.powerOn();
    await bench.node2.ready();
    const count = bench.told().length;
    const latest = () => bench.node2.packets().at(-1)!;
    while (bench.told().length === count || Object.keys(latest().n2).length === 0) {
      const before = bench.told().length;
      bench.node1.type("sample");
      await bench.changes.until(() => bench.told().length > before, "one more sample");
    }
    assert.deepEqual(Object.keys(latest().n2), keys);
    assert.deepEqual([latest().n2.t, latest().n2.p], [25.1, 1006.53]);
  }
});

Deno.test("a node that hangs, panics or is reset says so at its next boot", async () => {
  await using bench = await RadioBench.start();
  const boots = () => bench.node2.lines.filter((line) => line.includes("node2 boot")).length;
  const said = (words: string) => bench.node2.lines.some((line) => line.includes(words));
  bench.node2.type("panic");
  await bench.changes.until(() => said("panic: asked for on the console"), "the panic is told");
  bench.node2.pressReset();
  await bench.changes.until(() => boots() === 3, "the boot after the reset");
  bench.node2.type("hang");
  await bench.changes.until(() => said("panic: main loop does not return, pc=08"), "the hang");
  assert.ok(said("boots=4"));
  const told = bench.told().length;
  bench.node1.type("sample");
  await bench.changes.until(() => bench.told().length > told, "it works again");
});
