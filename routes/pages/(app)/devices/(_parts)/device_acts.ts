/** What an operator does to a device on its page. */
import type { DeviceCredential } from "@/auth/device_registry.ts";
import type { TopicGrant } from "@/auth/auth_store.ts";
import { texts } from "@/components/texts.ts";
import { HttpError } from "@/model/errors.ts";
import { field } from "@/routes/page_form.ts";
import type { PageState } from "@/routes/page_state.ts";

/** A credential to show, or the key of what was done. */
export type ActOutcome =
  | { credential: DeviceCredential }
  | { done: keyof typeof texts.devices.done };

/** Throws HttpError 400 for what is no act or no input, 404, 409. */
export async function act(
  { services: { auth: { devices } }, identity, remoteAddress }: PageState,
  { id, form }: { id: string; form: URLSearchParams },
): Promise<ActOutcome> {
  const by = { name: identity!.name, address: remoteAddress };
  switch (field(form, "action")) {
    case "register": {
      const credential = await devices.add(id, { by });
      if (credential === null) throw new TypeError("A new device has a secret");
      return { credential };
    }
    case "rotate":
      return { credential: await devices.rotate(id, by) };
    case "disable":
      await devices.setDisabled(id, { disabled: true, by });
      return { done: "disabled" };
    case "enable":
      await devices.setDisabled(id, { disabled: false, by });
      return { done: "enabled" };
    case "label":
      await devices.setLabel(id, { label: field(form, "label"), by });
      return { done: "label" };
    case "grants":
      await devices.setGrants(id, { grants: grantsOf(form.get("grants") ?? ""), by });
      return { done: "grants" };
    case "remove_certificate":
      await devices.removeCertificate(id, { fingerprint: field(form, "fingerprint"), by });
      return { done: "certificate" };
    case "remove":
      await devices.remove(id, by);
      return { done: "removed" };
    default:
      throw new HttpError(400, "The form asks for nothing that can be done here", {
        code: "HTTP-0400",
        hint: "send the form from its page",
      });
  }
}

/** `publish FILTER`, one a line; what a filter may be is the registry's to judge. */
function grantsOf(text: string): TopicGrant[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const trimmed = line.trim();
    if (trimmed === "") return [];
    const [, action, filter] = /^(publish|subscribe)\s+(\S.*)$/.exec(trimmed) ?? [];
    if (action !== undefined && filter !== undefined) {
      return [{ action: action as TopicGrant["action"], filter }];
    }
    throw new HttpError(400, texts.devices.badGrantLine(i + 1, trimmed.slice(0, 80)), {
      code: "HTTP-0400",
      hint: texts.devices.badGrantHint,
    });
  });
}
