/** A gateway that has something to show on every page of `pages_list.ts`. */
import mqtt from "mqtt";
import type { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { startGateway } from "@/tests/web/page_bed.ts";

/** The demonstration goes on although a device has a credential. */
const CONFIG = '[mqtt]\nanonymous = "always"\n';

const ACCEPTED = 'sluice_ingest_messages_total{source="mqtt",outcome="accepted"}';
const REJECTED = 'sluice_ingest_messages_total{source="mqtt",outcome="rejected"}';

export class ShownGateway implements AsyncDisposable {
  readonly process: GatewayProcess;
  readonly #places: Record<string, string>;

  private constructor(process: GatewayProcess, places: Record<string, string>) {
    this.process = process;
    this.#places = places;
  }

  /** With simulated devices, one that has not sent yet, and a dead letter of a source. */
  static async start(): Promise<ShownGateway> {
    await using scope = new AsyncDisposableStack();
    const process = scope.use(await startGateway({ config: CONFIG, args: ["--demo"] }));
    await process.command(["device", "add", "waiting-1"]);
    await publishNonsense(process);
    await process.untilMetric(ACCEPTED, 20);
    const message = await ingestOne(process);
    scope.move();
    return new ShownGateway(process, { device: "waiting-1", message });
  }

  get httpUrl(): string {
    return this.process.httpUrl;
  }

  /** A path of the list with what stands for its `{places}` here. */
  path(listed: string): string {
    return fillPath(listed, this.#places);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** A path of the list with what stands for its `{places}`. */
export function fillPath(listed: string, places: Readonly<Record<string, string>>): string {
  return listed.replace(/\{(\w+)\}/g, (_, name: string) => {
    const place = places[name];
    if (place === undefined) throw new Error(`Nothing stands for {${name}} in "${listed}"`);
    return place;
  });
}

/** The first dead letter, with the number 1. */
async function publishNonsense(process: GatewayProcess): Promise<void> {
  const client = await mqtt.connectAsync(process.mqttUrl);
  await client.publishAsync("devices/meter-9/telemetry", '{"kwh":12.4,"v":', { qos: 1 });
  await client.endAsync();
  await process.untilMetric(REJECTED, 1);
}

/** Sends a message and returns its id. */
export async function ingestOne(process: GatewayProcess): Promise<string> {
  const answer = await fetch(`${process.httpUrl}/v1/ingest/meter-8`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ metrics: { energy: 12.4 } }),
  });
  const { id } = await answer.json() as { id: string };
  return id;
}
