/** From the sensor and from the picture to a row in PostgreSQL, all parts real. */
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { troubledRun } from "./camera_scenario.ts";
import { openGatewayBroker, openGatewayPort } from "./gateway_sinks.ts";
import { burstInto } from "./radio_scenario.ts";

Deno.test("300 packets in a burst rest in PostgreSQL, each once and in order", async () => {
  await using postgres = await PostgresServer.start();
  await burstInto((path) => openGatewayPort(postgres, path));
});

Deno.test("500 results survive two Wi-Fi losses and a killed gateway, bit-exact", async () => {
  await using postgres = await PostgresServer.start();
  await troubledRun(() => openGatewayBroker(postgres));
});
