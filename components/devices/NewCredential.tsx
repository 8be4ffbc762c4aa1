/** A credential right after it was made: the only time that its password is on a page. */
import type { NewCredentialView } from "@/components/devices/credential_views.ts";
import { devicePath } from "@/components/devices/device_views.ts";
import { Card } from "@/components/Card.tsx";
import { Notice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { texts } from "@/components/texts.ts";
import type { ComponentChildren } from "preact";

export interface NewCredentialProps {
  credential: NewCredentialView;
  /** Makes the island that copies an element's text. */
  copyButton: (of: { target: string; label: string }) => ComponentChildren;
  /** The island that waits for the first message. */
  waiting: ComponentChildren;
}

export function NewCredential({ credential, copyButton, waiting }: NewCredentialProps) {
  const { devices } = texts;
  const { device, username, password, snippets } = credential;
  return (
    <>
      <PageHead title={devices.newCredential(device)} />
      <Notice tone="warn">{devices.shownOnce}</Notice>
      <div class="grid">
        <Card title={devices.credential} span={6} id="credential">
          <dl class="facts secret">
            <dt>{devices.username}</dt>
            <dd>
              <code id="new-username">{username}</code>
              {copyButton({ target: "new-username", label: devices.username })}
            </dd>
            <dt>{devices.password}</dt>
            <dd>
              <code id="new-password">{password}</code>
              {copyButton({ target: "new-password", label: devices.password })}
            </dd>
          </dl>
        </Card>
        <Card span={6}>
          {waiting}
          <noscript>
            <a class="button" href={`/add-device/${encodeURIComponent(device)}`}>
              {devices.leave}
            </a>
          </noscript>
        </Card>
        <Card title={devices.snippets} id="snippets">
          {snippets.map(({ title, text }, i) => (
            <details key={title} name="snippet" class="snippet" open={i === 0}>
              <summary>{title}</summary>
              {copyButton({ target: `snippet-${i}`, label: title })}
              <pre id={`snippet-${i}`} tabIndex={0}>{text}</pre>
            </details>
          ))}
        </Card>
      </div>
      <p>
        <a href={devicePath(device)}>{devices.leave}</a>
      </p>
    </>
  );
}
