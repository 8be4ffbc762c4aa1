/** Lists of predictions; the island `PredictionLive` fills rows of the same make. */
import { formatNumber } from "@/components/format.ts";
import {
  type LatestOfDevice,
  presencePath,
  type ShownPrediction,
} from "@/components/predictions/prediction_views.ts";
import { ScoreBar } from "@/components/predictions/ScoreBar.tsx";
import { Table } from "@/components/Table.tsx";
import { Tag } from "@/components/Tag.tsx";
import { texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";

interface Moment {
  nowMs: number;
  timeZone: string;
}

const { columns } = texts.predictions;
const FEED_COLUMNS = [
  ...[columns.at, columns.device, columns.label, columns.score],
  { title: columns.average, numeric: true },
  columns.model,
  { title: columns.journey, hidden: true },
];

/** Newest first. The template is the row that a live result fills. */
export function PredictionFeed(
  { rows, ...moment }: Moment & { rows: readonly ShownPrediction[] },
) {
  return (
    <div data-feed data-part="feed">
      <Table caption={texts.predictions.feed} columns={FEED_COLUMNS}>
        {rows.map((row) => <FeedRow key={row.messageId} of={row} {...moment} />)}
      </Table>
      <template data-feed-row>
        <FeedRow of={BLANK} {...moment} />
      </template>
    </div>
  );
}

const BLANK: ShownPrediction = {
  ...{ messageId: "", device: "-", label: "", score: 0, atMs: 0 },
  ...{ avgScore: null, window: null, model: null },
};

function FeedRow({ of, nowMs, timeZone }: Moment & { of: ShownPrediction }) {
  const { messageId, device, label, score, avgScore, model, atMs } = of;
  return (
    <tr>
      <td class="nowrap">
        <Time atMs={atMs} nowMs={nowMs} timeZone={timeZone} />
      </td>
      <td>
        <a data-cell="device" href={presencePath(device)}>{device}</a>
      </td>
      <td>
        <bdi class="clipped" data-cell="label" title={label}>{label}</bdi>
      </td>
      <td class="nowrap">
        <Score score={score} />
      </td>
      <td class="n" data-cell="average">{avgScore === null ? "" : formatNumber(avgScore)}</td>
      <td>
        <bdi class="clipped" data-cell="model" title={model ?? ""}>{model ?? ""}</bdi>
      </td>
      <td class="n">
        <a data-cell="journey" href={`/messages/${messageId}`}>{texts.predictions.journey}</a>
      </td>
    </tr>
  );
}

export function Score({ score }: { score: number }) {
  return (
    <span class="score">
      <ScoreBar score={score} />
      <span class="score-number" data-cell="score">{formatNumber(score)}</span>
    </span>
  );
}

/** One line for each device that classifies. */
export function LatestPredictions(
  { rows, nowMs, timeZone }: Moment & { rows: readonly LatestOfDevice[] },
) {
  return (
    <Table
      caption={texts.predictions.latest}
      columns={[columns.device, columns.label, columns.score, columns.at]}
    >
      {rows.map(({ device, label, score, atMs, stuckResults }) => (
        <tr key={device} data-latest={device}>
          <td>
            <a href={presencePath(device)}>{device}</a>
            {stuckResults !== null && (
              <>
                {" "}
                <Tag tone="warn">{texts.predictions.stuck}</Tag>
              </>
            )}
          </td>
          <td>
            <bdi class="clipped" data-cell="label" title={label}>{label}</bdi>
          </td>
          <td class="nowrap">
            <Score score={score} />
          </td>
          <td class="nowrap">
            <Time {...{ atMs, nowMs, timeZone }} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
