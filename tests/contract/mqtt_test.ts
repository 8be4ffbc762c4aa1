import { MqttDestination } from "@/forward/mqtt.ts";
import { destinationContract, type DestinationRig } from "@/tests/contract/destination_contract.ts";
import { commonOptions } from "@/tests/helpers/destination_options.ts";
import { FaultProxy } from "@/tests/helpers/fault_proxy.ts";
import { batchEntry } from "@/tests/helpers/log_rows.ts";
import { Mosquitto } from "@/tests/helpers/mosquitto.ts";

/** Of the broker: a publish of more bytes is the one content it refuses. */
const PACKET_BYTES_MAX = 2000;

async function startMosquitto(): Promise<DestinationRig> {
  const broker = await Mosquitto.start({ config: [`max_packet_size ${PACKET_BYTES_MAX}`] });
  const proxy = await FaultProxy.start(broker.port);
  const subscription = await broker.subscribe("iiot/#");
  return {
    open: (events, filter) =>
      new MqttDestination({
        ...commonOptions({ filter }),
        type: "mqtt",
        url: `mqtt://127.0.0.1:${proxy.port}`,
        username: null,
        password: null,
        prefix: "iiot",
        qos: 1,
        clientId: "sluice-test",
      }, events),
    readings: () =>
      Promise.resolve(
        subscription.messages.filter(({ topic }) => topic !== "iiot/gateway/status").map(
          ({ topic, payload }) => {
            const [, device = "", measurement = ""] = topic.split("/");
            return { device, measurement, value: Number(payload), atMs: null };
          },
        ),
      ),
    fault: (mode) => proxy.set(mode),
    cut: () => proxy.cut(),
    async [Symbol.asyncDispose]() {
      await subscription[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

destinationContract("mqtt", {
  start: startMosquitto,
  traits: {
    repeats: true,
    connected: true,
    keepsExtremes: true,
    poison: (number) =>
      batchEntry(number, {
        topic: "devices/d1/prediction",
        payload: JSON.stringify({
          label: "person",
          score: 0.9,
          debug: { padding: "x".repeat(PACKET_BYTES_MAX) },
        }),
      }),
  },
});
