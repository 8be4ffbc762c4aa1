/** A score from 0 to 1 as a bar; the number stands beside it. */
export function ScoreBar({ score }: { score: number }) {
  const width = Math.max(0, Math.min(1, score)) * 100;
  return (
    <svg class="score-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="100" height="8" rx="2" />
      <rect class="fill" data-cell="bar" width={width.toFixed(1)} height="8" rx="2" />
    </svg>
  );
}
