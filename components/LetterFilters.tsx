/** The filter of the dead letters, as a form and as reasons with their counts. */
import { Card } from "@/components/Card.tsx";
import { formatNumber } from "@/components/format.ts";
import { Field, SelectField } from "@/components/Form.tsx";
import { visible } from "@/components/payload_text.ts";
import type { Texts } from "@/components/texts.ts";

export interface LetterFiltersProps {
  filter: { kind: "destination" | "source"; destination: string; device: string; reason: string };
  destinations: readonly { name: string; dead: number }[];
  reasons: readonly { reason: string; count: number }[];
  texts: Texts;
}

/** As chips; the others behind a fold. */
const SHOWN_REASONS = 6;
const REASON_CHARS = 90;

export function LetterFilters(props: LetterFiltersProps) {
  const { filter, texts: { deadLetters } } = props;
  const { kind, device, reason } = filter;
  const isSet = [filter.destination, device, reason].some((text) => text !== "");
  return (
    <Card>
      <form
        method="get"
        action="/dead-letters"
        class="form inline letter-filter"
        aria-label={deadLetters.filter}
      >
        {kind === "source" && <input type="hidden" name="kind" value={kind} />}
        {kind === "destination" && <DestinationField {...props} />}
        <Field name="device" label={deadLetters.device} value={device} maxLength={64} />
        <Field name="reason" label={deadLetters.reason} value={reason} maxLength={300} />
        <button type="submit" class="button">{deadLetters.filter}</button>
        {isSet && (
          <a href={kind === "source" ? "/dead-letters?kind=source" : "/dead-letters"}>
            {deadLetters.clear}
          </a>
        )}
      </form>
      <Reasons {...props} />
    </Card>
  );
}

function DestinationField({ filter, destinations, texts: { deadLetters } }: LetterFiltersProps) {
  const every = { value: "", label: deadLetters.everywhere };
  const named = destinations.map(({ name, dead }) => ({
    value: name,
    label: `${name} · ${formatNumber(dead)}`,
  }));
  return (
    <SelectField
      name="destination"
      label={deadLetters.destination}
      value={filter.destination}
      options={[every, ...named]}
    />
  );
}

function Reasons(props: LetterFiltersProps) {
  const { reasons, texts: { deadLetters } } = props;
  if (reasons.length === 0) return null;
  const rest = reasons.slice(SHOWN_REASONS);
  const chips = (some: typeof reasons) => (
    <ul class="reasons">
      {some.map(({ reason, count }) => (
        <li key={reason}>
          <ReasonLink {...props} reason={reason} count={count} />
        </li>
      ))}
    </ul>
  );
  return (
    <nav aria-label={deadLetters.reasons} class="reason-box">
      {chips(reasons.slice(0, SHOWN_REASONS))}
      {rest.length > 0 && (
        <details>
          <summary>{deadLetters.moreReasons(rest.length)}</summary>
          {chips(rest)}
        </details>
      )}
    </nav>
  );
}

function ReasonLink(
  { filter, reason, count }: LetterFiltersProps & { reason: string; count: number },
) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...filter, reason: reason.slice(0, 300) })) {
    if (value !== "" && value !== "destination") query.set(name, value);
  }
  const isCurrent = filter.reason !== "" && reason.includes(filter.reason);
  return (
    <a href={`/dead-letters?${query}`} aria-current={isCurrent ? "true" : undefined}>
      {reasonText(reason, filter.kind).slice(0, REASON_CHARS)} <b>{formatNumber(count)}</b>
    </a>
  );
}

/**
 * As people read it: the words of sources as words (`not_json` → `not json`), of an error what is
 * behind the destination's name, which stands beside it, and before what is about one row only.
 */
export function reasonText(reason: string, kind: "destination" | "source"): string {
  if (kind === "source") return visible(reason).replaceAll("_", " ");
  const [main = ""] = visible(reason).replace(/^Cannot write to [^:]*: /, "").split(" (");
  return main.charAt(0).toUpperCase() + main.slice(1);
}
