/** Credential, rights and certificates of a device; acts only for those who may. */
import { Card } from "@/components/Card.tsx";
import type {
  CertificateView,
  EntryView,
  GrantView,
} from "@/components/devices/credential_views.ts";
import { devicePath } from "@/components/devices/device_views.ts";
import { ConfirmForm, Field, PostForm, TextAreaField } from "@/components/Form.tsx";
import { formatTime } from "@/components/format.ts";
import { Table } from "@/components/Table.tsx";
import { Tag } from "@/components/Tag.tsx";
import { texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";

const SOON_MS = 30 * 86_400_000;

export interface AccessCardsProps {
  id: string;
  /** Null without an entry. */
  entry: EntryView | null;
  /** False where its name may not have one. */
  canRegister: boolean;
  mayAct: boolean;
  /** What was sent and could not be saved, instead of what is. */
  draft: { label: string | null; grants: string | null };
  csrfToken: string | null;
  nowMs: number;
  timeZone: string;
}

export function AccessCards(props: AccessCardsProps) {
  const { entry } = props;
  if (entry === null) return <Unregistered {...props} />;
  return (
    <>
      <CredentialCard {...props} entry={entry} />
      <RightsCard {...props} entry={entry} />
      <CertificatesCard {...props} entry={entry} />
    </>
  );
}

type WithEntry = AccessCardsProps & { entry: EntryView };

function formOf({ id, csrfToken }: AccessCardsProps, act: string) {
  return { action: devicePath(id), csrfToken, act };
}

function Unregistered(props: AccessCardsProps) {
  const { devices } = texts;
  const { canRegister, mayAct } = props;
  return (
    <Card title={devices.credential} span={6} id="credential">
      <p>{canRegister ? devices.noCredential : devices.reserved}</p>
      {canRegister && mayAct && (
        <PostForm {...formOf(props, "register")}>
          <button type="submit" class="button primary">{devices.register}</button>
        </PostForm>
      )}
    </Card>
  );
}

function CredentialCard(props: WithEntry) {
  const { devices, common } = texts;
  const { entry: { disabled, secretSetAtMs, createdAtMs }, mayAct, ...moment } = props;
  return (
    <Card title={devices.credential} span={6} id="credential">
      <dl class="facts">
        <dt>{devices.accessState}</dt>
        <dd>
          <Tag tone={disabled ? "bad" : "ok"}>{disabled ? devices.disabled : common.yes}</Tag>
        </dd>
        <dt>{devices.secretSet}</dt>
        <dd>
          {secretSetAtMs === null ? devices.noSecret : <Time atMs={secretSetAtMs} {...moment} />}
        </dd>
        <dt>{devices.registered}</dt>
        <dd>
          <Time atMs={createdAtMs} {...moment} />
        </dd>
      </dl>
      {mayAct && <CredentialActs {...props} />}
    </Card>
  );
}

function CredentialActs(props: WithEntry) {
  const { devices } = texts;
  const { id, entry: { label, disabled }, draft } = props;
  const toggle = disabled ? "enable" : "disable";
  return (
    <>
      <PostForm {...formOf(props, "label")} class="form inline label-form">
        <Field name="label" label={devices.label} value={draft.label ?? label} maxLength={100} />
        <button type="submit" class="button">{devices.saveLabel}</button>
      </PostForm>
      <div class="acts">
        <ConfirmForm
          {...formOf(props, "rotate")}
          open={devices.rotate}
          question={devices.rotateQuestion}
          button={devices.rotateButton}
        >
          {null}
        </ConfirmForm>
        <PostForm {...formOf(props, toggle)} class="form inline">
          <button type="submit" class="button">{devices[toggle]}</button>
        </PostForm>
        <ConfirmForm
          {...formOf(props, "remove")}
          open={devices.remove}
          question={devices.removeQuestion}
          button={devices.removeButton(id)}
        >
          {null}
        </ConfirmForm>
      </div>
    </>
  );
}

function RightsCard(props: WithEntry) {
  const { devices } = texts;
  const { id, entry: { grants }, mayAct, draft } = props;
  const own = ["devices", "device", "gateways"].map((root) => `${root}/${id}/#`);
  return (
    <Card title={devices.rights} span={6} id="rights">
      <p class="sub">{devices.ownRights}</p>
      <p class="filters">{own.map((filter) => <code key={filter}>{filter}</code>)}</p>
      <p class="sub">{grants.length === 0 ? devices.noMoreRights : devices.moreRights}</p>
      {grants.length > 0 && (
        <ul class="grants">
          {grants.map(({ action, filter }) => (
            <li key={`${action} ${filter}`}>
              {devices.grantActions[action]} <code>{filter}</code>
            </li>
          ))}
        </ul>
      )}
      {mayAct && (
        <details open={draft.grants !== null}>
          <summary>{devices.editRights}</summary>
          <PostForm {...formOf(props, "grants")} label={devices.editRights}>
            <TextAreaField
              name="grants"
              label={devices.grantsField}
              help={devices.grantsHelp}
              value={draft.grants ?? grantLines(grants)}
              rows={5}
              maxLength={10_000}
              code
            />
            <button type="submit" class="button primary">{devices.saveGrants}</button>
          </PostForm>
        </details>
      )}
    </Card>
  );
}

function grantLines(grants: readonly GrantView[]): string {
  return grants.map(({ action, filter }) => `${action} ${filter}\n`).join("");
}

function CertificatesCard(props: WithEntry) {
  const { devices } = texts;
  const { id, entry: { certificates }, mayAct } = props;
  const columns = devices.certificateColumns;
  return (
    <Card title={devices.certificates} span={certificates.length === 0 ? 6 : 12}>
      {certificates.length === 0
        ? (
          <p class="sub">
            {devices.noCertificates} <code>{`sluice cert device ${id}`}</code>
          </p>
        )
        : (
          <Table
            caption={devices.certificates}
            columns={[
              ...[columns.fingerprint, columns.from, columns.until],
              ...mayAct ? [{ title: columns.act, hidden: true }] : [],
            ]}
          >
            {certificates.map((certificate) => (
              <CertificateLine key={certificate.fingerprint} {...props} of={certificate} />
            ))}
          </Table>
        )}
    </Card>
  );
}

function CertificateLine(props: WithEntry & { of: CertificateView }) {
  const { devices } = texts;
  const { of: { fingerprint, notBeforeMs, notAfterMs }, mayAct, nowMs, timeZone } = props;
  const short = fingerprint.slice(0, 16);
  const [tone, state] = notAfterMs <= nowMs
    ? ["bad", devices.expired] as const
    : notAfterMs - nowMs < SOON_MS
    ? ["warn", devices.expiresSoon] as const
    : ["ok", devices.expires] as const;
  return (
    <tr>
      <td class="mono" title={fingerprint}>{short}…</td>
      <td class="nowrap">{formatTime(notBeforeMs, timeZone)}</td>
      <td class="nowrap">
        {formatTime(notAfterMs, timeZone)} <Tag tone={tone}>{state}</Tag>
      </td>
      {mayAct && (
        <td class="n">
          <ConfirmForm
            {...formOf(props, "remove_certificate")}
            open={devices.removeCertificate}
            question={devices.removeCertificateQuestion}
            button={devices.removeCertificateButton(short)}
          >
            <input type="hidden" name="fingerprint" value={fingerprint} />
          </ConfirmForm>
        </td>
      )}
    </tr>
  );
}
