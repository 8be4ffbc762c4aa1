/** `sluice serve`: the gateway as a process, until it is asked to stop. */
import { ControlServer } from "@/cli/control_server.ts";
import { SimulatedDevices } from "@/cli/simulated_devices.ts";
import type { ServeOptions } from "@/cli/surroundings.ts";
import { loadConfig, type LoadedConfig } from "@/config/load.ts";
import { type ConfigChanges, diffConfig } from "@/config/show.ts";
import { Gateway } from "@/gateway.ts";
import { SluiceError } from "@/model/errors.ts";
import { VERSION } from "@/model/build.ts";
import { ServiceNotifier } from "@/notify.ts";
import { logger } from "@/observe/log.ts";
import { LiveOperations } from "@/runtime/operations.ts";
