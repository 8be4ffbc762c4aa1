/**
 * The signature picture: sources → log on disk → destinations, with the ledger in words above it.
 * The same markup on the server and in `FlowLive`; water moves only where something flows.
 */
import {
  ledgerSum,
  type PipeLook,
  pipeOf,
  stateOf,
  toneOf,
  waitingIn,
} from "@/components/delivery_state.ts";
import { formatBytes, formatDuration, formatNumber, formatRate } from "@/components/format.ts";
import { Tag } from "@/components/Tag.tsx";
import type { DeliveryView, DestinationView } from "@/model/live_events.ts";

/** Plain texts: they travel to the island. */
export interface FlowWords {
  label: string;
  sources: string;
  sourceNames: Record<string, string>;
  perSecond: string;
  noSources: string;
  undecodable: string;
  log: string;
  ackFull: string;
  ackRelaxed: string;
  commitP99: string;
  noCommits: string;
  refuses: string;
  /** `{used}` of `{max}`. */
  room: string;
  written: string;
  queued: string;
  oldest: string;
  toEmpty: string;
  dead: string;
  states: Record<string, string>;
  restTitle: string;
  rest: string;
  restAdd: string;
  restAsk: string;
  /** `{count}` destinations. */
  ledgerOfMany: string;
  accepted: string;
  columns: Record<string, string>;
}

export interface FlowProps {
  view: DeliveryView;
  words: FlowWords;
  /** For the dashboard: without what the delivery page tells below. */
  compact?: boolean;
  /** Where a destination is added; null for who may not. */
  addHref: string | null;
  /** The page is not live now: nothing moves, numbers are of before. */
  lost?: boolean;
}

export function Flow({ view, words, compact = false, addHref, lost = false }: FlowProps) {
  const form = compact ? "compact" : "large";
  const perSecond = view.sources.reduce((sum, source) => sum + source.perSecond, 0);
  return (
    <div class={`flow ${form}${lost ? " lost" : ""}`} role="group" aria-label={words.label}>
      <LedgerSentence ledgers={view.destinations} words={words} />
      <div class="flow-stages">
        <Sources view={view} words={words} perSecond={perSecond} />
        <Pipe look={perSecond > 0 ? "flowing" : "still"} perSecond={perSecond} between />
        <LogStage view={view} words={words} perSecond={perSecond} />
        {view.destinations.length === 0
          ? <Rest words={words} addHref={addHref} />
          : <Destinations view={view} words={words} />}
      </div>
    </div>
  );
}

/** "accepted 1 204 332 = acked 1 203 871 + queued 458 + in flight 0 + dead 3" */
export function LedgerSentence(
  { ledgers, words, many = true }: {
    ledgers: readonly DestinationView[];
    words: Pick<FlowWords, "ledgerOfMany" | "accepted" | "columns">;
    /** Says over how many destinations it goes. */
    many?: boolean;
  },
) {
  if (ledgers.length === 0) return null;
  const { accepted, columns } = ledgerSum(ledgers);
  return (
    <p class="flow-ledger">
      {many && ledgers.length > 1 && (
        <span class="sub">{`${words.ledgerOfMany.replace("{count}", `${ledgers.length}`)} `}</span>
      )}
      <span class="flow-sum">
        {`${words.accepted} `}
        <b>{formatNumber(accepted)}</b>
        {columns.map(({ column, count }, i) => (
          <span key={column} class={column === "dead" && count > 0 ? "flow-dead" : undefined}>
            {` ${i === 0 ? "=" : "+"} ${words.columns[column]} `}
            <b>{formatNumber(count)}</b>
          </span>
        ))}
      </span>
    </p>
  );
}

function Sources(
  { view: { sources, sourceDead }, words, perSecond }: {
    view: DeliveryView;
    words: FlowWords;
    perSecond: number;
  },
) {
  return (
    <div class="flow-stage flow-sources">
      <p class="flow-title">{words.sources}</p>
      <p class="flow-big">
        {formatRate(perSecond)} <small>{words.perSecond}</small>
      </p>
      {sources.length === 0 ? <p class="sub">{words.noSources}</p> : (
        <ul class="flow-list">
          {sources.map((source) => (
            <li key={source.source}>
              <span>{words.sourceNames[source.source] ?? source.source}</span>{" "}
              <b>{formatRate(source.perSecond)}</b>
            </li>
          ))}
        </ul>
      )}
      {sourceDead > 0 && (
        <p class="sub">
          <b class="flow-dead">{formatNumber(sourceDead)}</b> {words.undecodable}
        </p>
      )}
    </div>
  );
}

function LogStage(
  { view, words, perSecond }: { view: DeliveryView; words: FlowWords; perSecond: number },
) {
  const { durability, full, commitP99Ms, queuedBytes, queueBytesMax, writtenBytesPerDay } = view;
  const room = words.room.replace("{used}", formatBytes(queuedBytes))
    .replace("{max}", formatBytes(queueBytesMax));
  return (
    <div class="flow-stage flow-log">
      <p class="flow-title">
        {words.log} · {durability === "full" ? words.ackFull : words.ackRelaxed}
      </p>
      {full === null
        ? commitP99Ms === null ? <p class="sub">{words.noCommits}</p> : (
          <p class="flow-big">
            {formatDuration(commitP99Ms)} <small>{words.commitP99}</small>
          </p>
        )
        : (
          <p>
            <Tag tone="bad">{words.refuses}</Tag> {full}
          </p>
        )}
      <Tank share={queuedBytes / Math.max(1, queueBytesMax)} label={room} moves={perSecond > 0} />
      <p class="sub">
        {room}
        {writtenBytesPerDay !== null && ` · ${formatBytes(writtenBytesPerDay)} ${words.written}`}
      </p>
    </div>
  );
}

const [TANK_WIDTH, TANK_HEIGHT] = [240, 40];
/** Even an empty queue shows where the water is. */
const LEVEL_MIN = 3;

/** What waits, as water in a tank as large as the limit. */
function Tank({ share, label, moves }: { share: number; label: string; moves: boolean }) {
  const level = LEVEL_MIN + Math.min(1, Math.max(0, share)) * (TANK_HEIGHT - 10 - LEVEL_MIN);
  const top = TANK_HEIGHT - level;
  const wave = `M-40 ${top}${"q10 -4 20 0t20 0".repeat(8)}V${TANK_HEIGHT}H-40Z`;
  return (
    <svg
      class={`flow-tank${moves ? " flowing" : ""}${share > 0.9 ? " high" : ""}`}
      viewBox={`0 0 ${TANK_WIDTH} ${TANK_HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="flow-wave" d={wave} />
    </svg>
  );
}

function Destinations({ view, words }: { view: DeliveryView; words: FlowWords }) {
  return (
    <ul class="flow-branches">
      {view.destinations.map((destination) => (
        <li key={destination.name} class="flow-branch">
          <Pipe look={pipeOf(destination)} perSecond={destination.perSecond} />
          <Destination destination={destination} words={words} />
        </li>
      ))}
    </ul>
  );
}

function Destination({ destination, words }: { destination: DestinationView; words: FlowWords }) {
  const { name, type, perSecond, oldestMs, toEmptyMs, dead } = destination;
  const state = stateOf(destination);
  return (
    <div class="flow-stage flow-destination">
      <p class="flow-name">
        <b>{name}</b> <span class="sub">{type}</span>
      </p>
      <Tag tone={toneOf(state)}>{words.states[state]}</Tag>
      <p class="flow-rate">
        <b>{formatRate(perSecond)}</b> <small>{words.perSecond}</small>
      </p>
      <p class="sub flow-depth">
        <b>{formatNumber(waitingIn(destination))}</b> {words.queued}
        {oldestMs !== null && ` · ${words.oldest} ${formatDuration(oldestMs)}`}
        {toEmptyMs !== null && toEmptyMs >= 1000 &&
          ` · ${words.toEmpty} ${formatDuration(toEmptyMs)}`}
        {dead > 0 && (
          <>
            {" · "}
            <b class="flow-dead">{formatNumber(dead)}</b> {words.dead}
          </>
        )}
      </p>
    </div>
  );
}

function Rest({ words, addHref }: Pick<FlowProps, "words" | "addHref">) {
  return (
    <div class="flow-rest">
      <div class="flow-stage">
        <p class="flow-name">
          <b>{words.restTitle}</b>
        </p>
        <p>{words.rest}</p>
        {addHref === null
          ? <p class="sub">{words.restAsk}</p>
          : <a class="button" href={addHref}>{words.restAdd}</a>}
      </div>
    </div>
  );
}

/** Decoration: what it shows is in words beside it. */
function Pipe(
  { look, perSecond, between = false }: { look: PipeLook; perSecond: number; between?: boolean },
) {
  const pace = perSecond >= 100 ? "fast" : perSecond >= 5 ? "steady" : "slow";
  return (
    <svg
      class={`flow-pipe ${look} ${pace}${between ? " between" : ""}`}
      viewBox="0 0 48 20"
      width="48"
      height="20"
      aria-hidden="true"
    >
      {look === "broken" ? <BrokenPipe /> : (
        <>
          <path class="flow-wall" d="M0 10H48" />
          <path class="flow-water" d={look === "shut" ? "M0 10H20" : "M0 10H48"} />
          {look === "flowing" && <path class="flow-drops" d="M0 10H48" />}
          {look === "shut" && <path class="flow-gate" d="M24 1V19" />}
        </>
      )}
    </svg>
  );
}

function BrokenPipe() {
  return (
    <>
      <path class="flow-wall" d="M0 10H14M34 10H48" />
      <path class="flow-water" d="M0 10H14" />
      <path class="flow-break" d="M19 5L29 15M29 5L19 15" />
    </>
  );
}
