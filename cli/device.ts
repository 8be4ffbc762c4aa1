/** Devices: what may publish, and with which credential. */
import type {
  AccessOperations,
  DeviceCredentialView,
  DeviceView,
  PendingView,
} from "@/cli/access_operations.ts";
import { type Command, type CommandInput, JSON_OPTION, usageError } from "@/cli/command.ts";
import { withAccess } from "@/cli/gateway_access.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { ageText, printable, textTable } from "@/cli/text_table.ts";

const ID = { name: "ID", required: true, text: "the device id: 1 to 64 of A-Z a-z 0-9 _ -" };
const REQUEST = { name: "REQUEST", required: true, text: 'as "sluice device pending" lists it' };

export const deviceAdd: Command = {
  path: ["device", "add"],
  summary: "Register a device; its password is shown once",
  options: [{ name: "label", value: "TEXT", text: "a name for people" }, JSON_OPTION],
  arguments: [ID],
  run: credentialCommand((access, input) =>
    access.deviceAdd(input.arguments[0]!, { label: input.values.get("label") })
  ),
};

export const deviceRotate: Command = {
  path: ["device", "rotate"],
  summary: "Give a device a new password; the old one and its connections end at once",
  options: [JSON_OPTION],
  arguments: [ID],
  run: credentialCommand((access, input) => access.deviceRotate(input.arguments[0]!)),
};

export const deviceList: Command = {
  path: ["device", "list"],
  summary: "List registered devices",
  options: [JSON_OPTION],
  arguments: [],
  async run(input, surroundings) {
    const devices = await withAccess({ input, surroundings }, (access) => access.deviceList());
    await printList(input, { surroundings, found: devices, text: listText });
    return 0;
  },
};

export const deviceDisable: Command = {
  path: ["device", "disable"],
  summary: "Shut a device out and keep its credentials",
  options: [],
  arguments: [ID],
  run: act("disabled", (access, id) => access.deviceDisable(id, true)),
};

export const deviceEnable: Command = {
  path: ["device", "enable"],
  summary: "Let a disabled device in again",
  options: [],
  arguments: [ID],
  run: act("enabled", (access, id) => access.deviceDisable(id, false)),
};

export const deviceRemove: Command = {
  path: ["device", "remove"],
  summary: "Remove a device with its credentials; its connections end at once",
  options: [],
  arguments: [ID],
  run: act("removed", (access, id) => access.deviceRemove(id)),
};

export const deviceGrant: Command = {
  path: ["device", "grant"],
  summary: "Set what a device may do beyond its own topics",
  text: "Replaces all earlier grants; without any, they are taken away.",
  options: [],
  arguments: [ID, {
    name: "RIGHT",
    required: false,
    repeated: true,
    text: "publish:FILTER or subscribe:FILTER, as in subscribe:factory/+/orders/#",
  }],
  async run(input, surroundings) {
    const [id = "", ...rights] = input.arguments;
    const grants = rights.map(grantOf);
    await withAccess({ input, surroundings }, (access) => access.deviceGrant(id, grants));
    await surroundings.print(`${id} has ${grants.length} grants now\n`);
    return 0;
  },
};

export const devicePending: Command = {
  path: ["device", "pending"],
  summary: 'List devices that ask to be let in (auth.auto_registration = "ask")',
  options: [JSON_OPTION],
  arguments: [],
  async run(input, surroundings) {
    const pending = await withAccess({ input, surroundings }, (access) => access.devicePending());
    await printList(input, { surroundings, found: pending, text: pendingText });
    return 0;
  },
};

export const deviceApprove: Command = {
  path: ["device", "approve"],
  summary: "Let a device in with the credential that it brought",
  options: [],
  arguments: [REQUEST],
  async run(input, surroundings) {
    const id = await withAccess(
      { input, surroundings },
      (access) => access.deviceApprove(input.arguments[0]!),
    );
    await surroundings.print(`let in ${id}\n`);
    return 0;
  },
};

export const deviceDismiss: Command = {
  path: ["device", "dismiss"],
  summary: "Take a device off the list of those that ask",
  options: [],
  arguments: [REQUEST],
  run: act("dismissed", (access, request) => access.deviceDismiss(request)),
};

function act(
  done: string,
  run: (access: AccessOperations, id: string) => Promise<void>,
): Command["run"] {
  return async (input, surroundings) => {
    const id = input.arguments[0]!;
    await withAccess({ input, surroundings }, (access) => run(access, id));
    await surroundings.print(`${done} ${printable(id, 80)}\n`);
    return 0;
  };
}

function credentialCommand(
  run: (access: AccessOperations, input: CommandInput) => Promise<DeviceCredentialView>,
): Command["run"] {
  return async (input, surroundings) => {
    const shown = await withAccess({ input, surroundings }, (access) => run(access, input));
    const { device, username, password } = shown;
    await surroundings.print(
      input.switches.has("json")
        ? JSON.stringify({ device, username, password }) + "\n"
        : credentialText(shown),
    );
    return 0;
  };
}

function credentialText({ device, username, password, snippets }: DeviceCredentialView): string {
  const head = `device    ${device}\nuser name ${username}\npassword  ${password}\n` +
    "The password is shown this once.\n";
  return head + snippets.map(({ title, text }) => `\n== ${title} ==\n${text}`).join("");
}

async function printList<T>(
  input: CommandInput,
  { surroundings, found, text }: {
    surroundings: Surroundings;
    found: T[];
    text: (found: T[]) => string;
  },
): Promise<void> {
  const json = input.switches.has("json");
  await surroundings.print(json ? JSON.stringify(found) + "\n" : text(found));
}

function listText(devices: DeviceView[]): string {
  if (devices.length === 0) return "no device is registered; add one with: sluice device add ID\n";
  const rows = devices.map((device) => [
    device.id,
    device.disabled ? "disabled" : "enabled",
    device.secretSetAtMs === null ? "-" : new Date(device.secretSetAtMs).toISOString(),
    String(device.certificates.length),
    device.grants.map(({ action, filter }) => `${action}:${printable(filter, 60)}`).join(" "),
    printable(device.label, 60),
  ]);
  const headings = ["ID", "STATE", "PASSWORD SET", "CERTIFICATES", "GRANTS", "LABEL"];
  return textTable(headings, rows);
}

function pendingText(pending: PendingView[]): string {
  if (pending.length === 0) return "no device asks to be let in\n";
  const rows = pending.map((each) => [
    each.requestId,
    printable(each.deviceId, 64),
    each.proof,
    printable(each.address, 64),
    String(each.attempts),
    ageText(Math.max(0, Date.now() - each.lastSeenAtMs) / 1000),
  ]);
  return textTable(["REQUEST", "DEVICE", "BROUGHT", "FROM", "ATTEMPTS", "LAST SEEN"], rows);
}

function grantOf(text: string): DeviceView["grants"][number] {
  const [, action, filter] = /^(publish|subscribe):(.+)$/.exec(text) ?? [];
  if (filter !== undefined && (action === "publish" || action === "subscribe")) {
    return { action, filter };
  }
  throw usageError(
    `Unknown right ${JSON.stringify(text)}`,
    "write publish:FILTER or subscribe:FILTER",
  );
}
