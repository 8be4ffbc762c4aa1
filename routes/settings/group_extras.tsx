/** What some settings pages show besides their fields. */
import { Card } from "@/components/Card.tsx";
import { formatBytes, formatTime } from "@/components/format.ts";
import { SelectField } from "@/components/Form.tsx";
import { Notice } from "@/components/Notice.tsx";
import { Tag } from "@/components/Tag.tsx";
import { Time } from "@/components/Time.tsx";
import { THEMES } from "@/routes/appearance.ts";
import type { PageState } from "@/routes/page_state.ts";
import type { GroupId } from "@/routes/settings/groups.ts";
import { sentence } from "@/routes/settings/setting_field.tsx";
import type { CertificateShown } from "@/routes/settings/settings_port.ts";

export type GroupFacts =
  | { kind: "none" }
  | { kind: "appearance" }
  | { kind: "retention" }
  | { kind: "tls"; certificates: CertificateShown[]; listening: [name: string, at: string][] };

const DAY_MS = 86_400_000;
const SOON_DAYS = 21;

/** Asked before the page is rendered. */
export async function groupExtras(id: GroupId, { services }: PageState): Promise<GroupFacts> {
  if (id === "appearance" || id === "retention") return { kind: id };
  if (id !== "tls") return { kind: "none" };
  const listening = Object.entries(services.addresses()).filter(([name]) => name.endsWith("s"));
  return { kind: "tls", certificates: await services.settings.certificates(), listening };
}

export function GroupExtras({ facts, state }: { facts: GroupFacts; state: PageState }) {
  switch (facts.kind) {
    case "none":
      return null;
    case "appearance":
      return <ThisBrowser state={state} />;
    case "retention":
      return <DiskNow state={state} />;
    case "tls":
      return <Certificates {...facts} state={state} />;
  }
}

function DiskNow(
  { state: { services, texts: { settings: { retention } } } }: { state: PageState },
) {
  const { queuedBytes, diskBytes, freeBytes, durability } = services.store.state;
  return (
    <Card title={retention.nowTitle} id="now">
      <dl class="facts">
        <dt>{retention.queued}</dt>
        <dd>{formatBytes(queuedBytes)}</dd>
        <dt>{retention.disk}</dt>
        <dd>{formatBytes(diskBytes)}</dd>
        <dt>{retention.free}</dt>
        <dd>{freeBytes === null ? "–" : formatBytes(freeBytes)}</dd>
        <dt>{retention.durability}</dt>
        <dd>
          <Tag tone={durability === "full" ? "ok" : "warn"}>{durability}</Tag>{" "}
          {retention[durability]}
        </dd>
      </dl>
    </Card>
  );
}

function Certificates(
  { certificates, listening, state }: Extract<GroupFacts, { kind: "tls" }> & { state: PageState },
) {
  const { tls } = state.texts.settings;
  const problem = state.services.settings.tlsProblem();
  return (
    <Card title={tls.certificates} id="certificates">
      <p>
        {listening.length === 0 ? tls.off : `${tls.on}: `}
        {listening.map(([name, at]) => <Tag key={name} tone="ok">{`${name} ${at}`}</Tag>)}
      </p>
      {certificates.map((each) => <Certificate key={each.use} of={each} state={state} />)}
      {problem !== null && <Notice tone="bad">{sentence(problem)}</Notice>}
      <p>{tls.how}</p>
      <pre>sluice cert ca
sluice cert server</pre>
      <p>{tls.howDevice}</p>
      <pre>sluice cert device DEVICE</pre>
    </Card>
  );
}

function Certificate({ of, state }: { of: CertificateShown; state: PageState }) {
  const { tls } = state.texts.settings;
  const { nowMs, timeZone } = state;
  const left = of.notAfterMs - nowMs;
  const ending = left < 0 ? "bad" : left < SOON_DAYS * DAY_MS ? "warn" : null;
  return (
    <div class="certificate">
      <h3>{tls.use[of.use] ?? of.use}: {of.commonName || of.names[0]}</h3>
      <dl class="facts">
        {of.names.length > 0 && <dt>{tls.names}</dt>}
        {of.names.length > 0 && <dd>{of.names.join(", ")}</dd>}
        <dt>{tls.issuer}</dt>
        <dd>{of.issuer}</dd>
        <dt>{tls.ends}</dt>
        <dd>
          <Time atMs={of.notAfterMs} nowMs={nowMs} timeZone={timeZone} />,{" "}
          {formatTime(of.notAfterMs, timeZone)}{" "}
          {ending !== null && <Tag tone={ending}>{left < 0 ? tls.ended : tls.soon}</Tag>}
        </dd>
        <dt>{tls.fingerprint}</dt>
        <dd>
          <code>{of.fingerprint.replaceAll(/(..)(?=.)/g, "$1:")}</code>
        </dd>
        <dt>{tls.file}</dt>
        <dd>
          <code>{of.file}</code>
        </dd>
      </dl>
    </div>
  );
}

function ThisBrowser({ state: { texts, theme, timeZone } }: { state: PageState }) {
  const { appearance } = texts.settings;
  const zones = [...new Set([timeZone, "UTC", ...Intl.supportedValuesOf("timeZone")])];
  return (
    <Card title={appearance.browser} id="browser">
      <p>{appearance.browserHint}</p>
      <form method="post" action="/appearance" class="form" aria-label={appearance.browser}>
        <input type="hidden" name="back" value="/settings/appearance?done=browser" />
        <div class="form-row">
          <SelectField
            name="theme"
            label={appearance.theme}
            value={theme}
            options={THEMES.map((value) => ({ value, label: texts.frame[value] }))}
          />
          <SelectField
            name="time_zone"
            label={appearance.zone}
            help={appearance.zoneHelp}
            value={timeZone}
            options={zones.map((zone) => ({ value: zone, label: zone }))}
          />
        </div>
        <button type="submit" class="button">{appearance.use}</button>
      </form>
    </Card>
  );
}
