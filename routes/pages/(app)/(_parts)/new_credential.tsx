import { devicePath } from "@/components/devices/device_views.ts";
import type { NewCredentialView } from "@/components/devices/credential_views.ts";
import { NewCredential as View } from "@/components/devices/NewCredential.tsx";
import CopyButton from "@/islands/CopyButton.tsx";
import FirstMessage from "@/islands/FirstMessage.tsx";
import type { PageState } from "@/routes/page_state.ts";

/** A new credential with its islands. */
export function NewCredential(
  { credential, state }: { credential: NewCredentialView; state: PageState },
) {
  const { devices, common } = state.texts;
  const copyButton = ({ target, label }: { target: string; label: string }) => (
    <CopyButton
      target={target}
      copy={common.copy}
      copied={common.copied}
      label={devices.copyLabel(label)}
    />
  );
  return (
    <View
      credential={credential}
      copyButton={copyButton}
      waiting={<Waiting device={credential.device} state={state} />}
    />
  );
}

/** The island that waits for the first message of a device. */
export function Waiting(
  { device, state: { texts: { devices } } }: {
    device: string;
    state: Pick<PageState, "texts">;
  },
) {
  const { waitingTitle, waitingText, receivedTitle, openDevice } = devices;
  return (
    <FirstMessage
      device={device}
      href={devicePath(device)}
      words={{ waitingTitle, waitingText, receivedTitle, openDevice }}
    />
  );
}
