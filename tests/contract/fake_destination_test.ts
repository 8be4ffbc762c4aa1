import { destinationContract, type DestinationRig } from "@/tests/contract/destination_contract.ts";
import { FakeDestination, FakeServer } from "@/tests/helpers/fake_destination.ts";
import { batchEntry } from "@/tests/helpers/log_rows.ts";

function startFake(): Promise<DestinationRig> {
  const server = new FakeServer();
  server.refuse = (entry) => entry.message.device === "poison" ? "it is poison" : null;
  return Promise.resolve({
    open: (events, filter) => new FakeDestination({ name: "fake", filter }, { server, events }),
    readings: () =>
      Promise.resolve(server.readings.map(({ device, measurement, value, at }) => ({
        device,
        measurement,
        value,
        atMs: at.us / 1000,
      }))),
    fault: (mode) => Promise.resolve(server.set(mode)),
    cut: () => server.cut(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

destinationContract("fake", {
  start: startFake,
  traits: {
    repeats: true,
    connected: true,
    keepsExtremes: true,
    poison: (number) => batchEntry(number, { device: "poison" }),
  },
});
