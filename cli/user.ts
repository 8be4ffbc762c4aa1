/** People: who may sign in to pages and API. */
import type { UserRole, UserView } from "@/cli/access_operations.ts";
import {
  type Command,
  type CommandInput,
  JSON_OPTION,
  type OptionDescription,
  usageError,
} from "@/cli/command.ts";
import { withAccess } from "@/cli/gateway_access.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { textTable } from "@/cli/text_table.ts";

const ROLES: readonly UserRole[] = ["admin", "operator", "viewer"];
/** More is no password; see the limit of the gateway. */
const PASSWORD_BYTES_MAX = 4096;

const NAME = { name: "NAME", required: true, text: "the person's user name" };
const STDIN: OptionDescription = {
  name: "password-stdin",
  text: "read the password from standard input; else one is made and shown once",
};

export const userAdd: Command = {
  path: ["user", "add"],
  summary: "Add a person; also before the first start of the gateway",
  options: [{ name: "role", value: "ROLE", text: `one of ${ROLES.join(", ")}` }, STDIN],
  arguments: [NAME],
  async run(input, surroundings) {
    const name = input.arguments[0]!;
    const role = roleOf(input.values.get("role"));
    const password = await passwordOf(input, surroundings);
    const made = await withAccess(
      { input, surroundings },
      (access) => access.userAdd({ name, role, password }),
    );
    await surroundings.print(`added ${role} ${name}\n${madeText(made)}`);
    return 0;
  },
};

export const userList: Command = {
  path: ["user", "list"],
  summary: "List people with their roles",
  options: [JSON_OPTION],
  arguments: [],
  async run(input, surroundings) {
    const users = await withAccess({ input, surroundings }, (access) => access.userList());
    await surroundings.print(
      input.switches.has("json") ? JSON.stringify(users) + "\n" : listText(users),
    );
    return 0;
  },
};

export const userPassword: Command = {
  path: ["user", "password"],
  summary: "Set a person's password; all of their sessions end",
  options: [STDIN],
  arguments: [NAME],
  async run(input, surroundings) {
    const name = input.arguments[0]!;
    const password = await passwordOf(input, surroundings);
    const made = await withAccess(
      { input, surroundings },
      (access) => access.userPassword(name, password),
    );
    await surroundings.print(`new password for ${name}, all sessions ended\n${madeText(made)}`);
    return 0;
  },
};

export const userRole: Command = {
  path: ["user", "role"],
  summary: "Change a person's role; all of their sessions end",
  options: [],
  arguments: [NAME, { name: "ROLE", required: true, text: `one of ${ROLES.join(", ")}` }],
  async run(input, surroundings) {
    const name = input.arguments[0]!;
    const role = roleOf(input.arguments[1]);
    await withAccess({ input, surroundings }, (access) => access.userRole(name, role));
    await surroundings.print(`${name} is ${role} now, all sessions ended\n`);
    return 0;
  },
};

export const userRemove: Command = {
  path: ["user", "remove"],
  summary: "Remove a person; all of their sessions end",
  options: [],
  arguments: [NAME],
  async run(input, surroundings) {
    const name = input.arguments[0]!;
    await withAccess({ input, surroundings }, (access) => access.userRemove(name));
    await surroundings.print(`removed ${name}\n`);
    return 0;
  },
};

function roleOf(text: string | undefined): UserRole {
  const role = ROLES.find((each) => each === text);
  if (role !== undefined) return role;
  throw usageError(
    text === undefined ? "Option --role is missing" : `Unknown role ${JSON.stringify(text)}`,
    `give one of ${ROLES.join(", ")}`,
  );
}

/** The password of standard input without its line end; null asks the gateway to make one. */
async function passwordOf(
  input: CommandInput,
  surroundings: Surroundings,
): Promise<string | null> {
  if (!input.switches.has("password-stdin")) return null;
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of surroundings.stdin()) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > PASSWORD_BYTES_MAX) break;
  }
  const password = text.replace(/\r?\n$/, "");
  if (password !== "" && !/[\r\n]/.test(password)) return password;
  throw usageError(
    password === "" ? "Standard input holds no password" : "The password has more than one line",
    'give it as: printf %s "$PASSWORD" | sluice user … --password-stdin',
  );
}

function madeText(password: string | null): string {
  return password === null ? "" : `password, shown this once: ${password}\n`;
}

function listText(users: UserView[]): string {
  if (users.length === 0) {
    return "nobody can sign in yet; add the first one with: " +
      "sluice user add NAME --role admin\n";
  }
  const rows = users.map(({ name, role, passwordSetAtMs, sessions }) => [
    name,
    role,
    new Date(passwordSetAtMs).toISOString(),
    String(sessions),
  ]);
  return textTable(["NAME", "ROLE", "PASSWORD SET", "SESSIONS"], rows);
}
