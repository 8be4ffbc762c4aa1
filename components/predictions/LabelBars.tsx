import type { ComponentChildren } from "preact";
import { formatNumber } from "@/components/format.ts";
import {
  type FeedFilter,
  feedPath,
  type LabelCount,
} from "@/components/predictions/prediction_views.ts";
import { texts } from "@/components/texts.ts";

const LABELS_MAX = 6;

/** How often each label came: the most frequent ones, the rest together. */
export function LabelBars(
  { labels, filter }: { labels: readonly LabelCount[]; filter: Partial<FeedFilter> },
) {
  const total = labels.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return <p class="sub">{texts.predictions.noLabels}</p>;
  const rest = labels.slice(LABELS_MAX).reduce((sum, { count }) => sum + count, 0);
  return (
    <ul class="label-bars">
      {labels.slice(0, LABELS_MAX).map(({ label, count }, i) => (
        <LabelBar key={label} series={i + 1} {...{ count, total }}>
          <a
            href={feedPath({ ...filter, label })}
            aria-label={texts.predictions.onlyLabel(label)}
            title={label}
          >
            <bdi class="clipped">{label}</bdi>
          </a>
        </LabelBar>
      ))}
      {rest > 0 && (
        <LabelBar series={0} count={rest} total={total}>{texts.predictions.otherLabels}</LabelBar>
      )}
    </ul>
  );
}

function LabelBar(
  { series, count, total, children }: {
    series: number;
    count: number;
    total: number;
    children: ComponentChildren;
  },
) {
  const share = count / total * 100;
  return (
    <li>
      <span class="label-name">{children}</span>
      <span class="label-share">
        <b>{formatNumber(share, share < 10 ? 1 : 0)} %</b>{" "}
        <span class="sub">{formatNumber(count)}</span>
      </span>
      <svg
        class={`label-bar s${series}`}
        viewBox="0 0 100 8"
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <rect class="track" width="100" height="8" rx="2" />
        <rect class="fill" width={Math.max(0.5, share).toFixed(1)} height="8" rx="2" />
      </svg>
    </li>
  );
}
