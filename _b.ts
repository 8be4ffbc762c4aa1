import { Intake } from "@/ingest/intake.ts";
import { Metrics } from "@/observe/metrics.ts";
import { DEFAULT_RULES } from "@/model/normalize.ts";
import { FanOut } from "@/ingest/fan_out.ts";
const enc = new TextEncoder();
let q: (() => void)[] = [];
let n = 0;
const store = {
  append(_m: unknown, done: (o: unknown) => void) {
    q.push(() =>
      done({
        kind: "accepted",
        number: ++n,
        id: "0".repeat(32),
        receivedUs: 1.79e15 + n,
        clockUntrusted: false,
        prefixed: false,
      })
    );
  },
};
const intake = new Intake({
  store: store as never,
  metrics: new Metrics(),
  rules: () => DEFAULT_RULES,
  now: Date.now,
  monotonic: () => performance.now(),
});
const fan = new FanOut({ publish() {}, hasSubscribers: () => false }, {
  prefix: "iiot",
  seriesMax: 1e5,
});
if (Deno.args[0] === "fan") intake.listen((l) => fan.announce(l));
for (let r = 0; r < 5; r++) {
  const t = performance.now();
  for (let b = 0; b < 200; b++) {
    for (let i = 0; i < 1000; i++) {
      const seq = r * 200000 + b * 1000 + i;
      const p = enc.encode(
        `{"seq":${seq},"values":{"temperature":${(20 + seq % 100 / 10).toFixed(1)},"humidity":${
          40 + seq % 50
        },"pressure":${(1000 + seq % 1000 / 100).toFixed(2)},"voltage":3.31,"battery":${
          seq % 101
        },"rssi":-${40 + seq % 50},"uptime_s":${seq * 10},"state":"ok"}}`,
      );
      intake.take({
        source: "mqtt",
        sourceName: "broker",
        topic: `devices/load-${i % 100}/telemetry`,
        payload: p,
      }, () => {});
    }
    const c = q;
    q = [];
    for (const f of c) f();
  }
  console.log("us/msg", ((performance.now() - t) / 200).toFixed(2));
}
fan.flush();
