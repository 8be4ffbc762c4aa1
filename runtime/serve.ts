/** `sluice serve`: the gateway as a process, until it is asked to stop. */
import { ControlServer } from "@/cli/control_server.ts";
import { createFleet, seededRandom } from "@/cli/simulate_models.ts";
import type { ServeOptions } from "@/cli/surroundings.ts";
import { checkConfig } from "@/config/load.ts";
import type { ConfigChanges } from "@/config/show.ts";
import { Gateway } from "@/gateway.ts";
import { VERSION } from "@/model/build.ts";
import { SluiceError } from "@/model/errors.ts";
import { ServiceNotifier } from "@/notify.ts";
import { logger } from "@/observe/log.ts";
import { LiveOperations } from "@/runtime/operations.ts";

/** Devices and messages per second of `--demo`. */
const DEMO_DEVICES = 4;
const DEMO_RATE = 4;

/** `attach` joins something to the gateway before it tells that it listens (`deno task dev`). */
export async function serve(
  options: ServeOptions,
  attach?: (gateway: Gateway) => Promise<AsyncDisposable>,
): Promise<void> {
  const { dataDir, stop } = options;
  const { loaded, sources } = options;
  const origins = { loaded, sources };
  const gateway = await Gateway.start({ config: loaded.config, dataDir, origins });
  const process = new ServedGateway(gateway, options);
  await using _attached = await attach?.(gateway);
  try {
    await process.start();
    const failure = await Promise.race([untilAborted(stop.signal), gateway.failed]);
    if (failure instanceof Error) throw failure;
  } finally {
    await process.stop();
  }
}

/** The gateway with what ties it to its process: control socket, service manager, signals. */
class ServedGateway {
  readonly #gateway: Gateway;
  readonly #options: ServeOptions;
  readonly #control: ControlServer;
  readonly #notifier: ServiceNotifier | null;
  readonly #demo = new AbortController();
  #demonstration: Promise<unknown> = Promise.resolve();
  #endReloads: () => void = () => {};

  constructor(gateway: Gateway, options: ServeOptions) {
    const { dataDir, stop } = options;
    this.#gateway = gateway;
    this.#options = options;
    const operations = new LiveOperations(gateway, {
      reload: () => this.#reload(),
      stop: () => stop.abort(),
    });
    this.#control = new ControlServer(operations, { dataDir, version: VERSION });
    this.#notifier = openNotifier(dataDir);
  }

  async start(): Promise<void> {
    await this.#control.start();
    this.#endReloads = this.#options.onReload(() => this.#reloadLogged());
    const addresses = Object.entries(this.#gateway.addresses);
    const words = addresses.map(([protocol, address]) => `${protocol}=${address}`);
    await this.#options.print(`listening ${words.join(" ")}\n`);
    this.#notifier?.ready(words.join(" "));
    if (this.#options.demo) this.#startDemo();
  }

  async stop(): Promise<void> {
    this.#notifier?.stopping();
    this.#endReloads();
    this.#demo.abort();
    await Promise.all([this.#demonstration, this.#control.stop()]);
    await this.#gateway.stop();
    await this.#notifier?.[Symbol.asyncDispose]();
  }

  async #reload(): Promise<ConfigChanges> {
    this.#notifier?.reloading();
    try {
      return await this.#gateway.settings.reload();
    } finally {
      this.#notifier?.ready("ready");
    }
  }

  /** SIGHUP has nobody to answer to: a wrong configuration is logged, the old one stays. */
  async #reloadLogged(): Promise<void> {
    const checked = await checkConfig(this.#options.sources);
    if (!checked.ok) {
      for (const { path, message, hint } of checked.problems) {
        logger("config").error("{path} {message}", { path, message, hint });
      }
      logger("config").error("The configuration was not reloaded, the old one stays");
      return;
    }
    try {
      await this.#reload();
    } catch (error) {
      const hint = error instanceof SluiceError ? error.hint : "";
      logger("config").error("Cannot reload: {cause}", { cause: String(error), hint });
    }
  }

  #startDemo(): void {
    const { mqtt } = this.#gateway.addresses;
    if (mqtt === undefined) {
      logger("demo").error("No demonstration: the embedded broker is off or its port is taken");
      return;
    }
    const url = `mqtt://${mqtt.replace("0.0.0.0", "127.0.0.1").replace("[::]", "127.0.0.1")}`;
    this.#demonstration = this.#simulate(url).catch((error) =>
      logger("demo").error("The demonstration ended: {cause}", { cause: String(error) })
    );
  }

  /** Loaded when asked for: the MQTT client is half of the program's size. */
  async #simulate(url: string): Promise<void> {
    const { runSimulation } = await import("@/cli/simulated_devices.ts");
    const [seed = 1] = crypto.getRandomValues(new Uint32Array(1));
    logger("demo").info("Simulated devices publish to {url}", { url, devices: DEMO_DEVICES });
    await runSimulation({
      url,
      fleet: createFleet({ devices: DEMO_DEVICES, random: seededRandom(seed) }),
      rate: DEMO_RATE,
      signal: this.#demo.signal,
      onTrouble: (text) => logger("demo").warn("{text}", { text }),
    });
  }
}

function openNotifier(folder: string): ServiceNotifier | null {
  try {
    return ServiceNotifier.open({
      socket: Deno.env.get("NOTIFY_SOCKET"),
      watchdogUsec: Deno.env.get("WATCHDOG_USEC"),
      folder,
      isAlive: () => true,
      onError: (error) => logger("gateway").warn("{cause}", { cause: error.message }),
    });
  } catch (error) {
    logger("gateway").warn("{cause}", { cause: String(error) });
    return null;
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
