/** The promise as a picture: sources, the log between two gates, destinations. Static. */
import type { Texts } from "@/components/texts.ts";

type Words = Texts["visitors"]["flow"];

/** Lying for wide screens, standing for phones; the style shows one of them. */
export function FlowIllustration({ texts: { visitors } }: { texts: Texts }) {
  return (
    <div class="flow-picture" role="img" aria-label={visitors.welcomeFlow}>
      <LyingFlow words={visitors.flow} />
      <StandingFlow words={visitors.flow} />
    </div>
  );
}

interface BoxProps {
  x: number;
  y: number;
  width: number;
  text: readonly string[];
  kind?: "away";
}

function Box({ x, y, width, text: [title, sub], kind }: BoxProps) {
  const middle = x + width / 2;
  return (
    <g class={`flow-box ${kind ?? ""}`}>
      <rect x={x} y={y} width={width} height="56" rx="10" />
      <text class="flow-title" x={middle} y={y + 25} text-anchor="middle">{title}</text>
      <text class="flow-sub" x={middle} y={y + 43} text-anchor="middle">{sub}</text>
    </g>
  );
}

/** Messages on their way, as dots on the line. */
function Dots({ at }: { at: readonly (readonly [x: number, y: number])[] }) {
  return (
    <>{at.map(([x, y]) => <circle key={`${x} ${y}`} class="flow-dot" cx={x} cy={y} r="4" />)}</>
  );
}

/** The log: rows of messages that fill the basin; those at the bottom wait for who is away. */
function Basin({ x, y, width, words }: { x: number; y: number; width: number; words: Words }) {
  const rows = [0, 1, 2, 3, 4];
  return (
    <g>
      <rect class="flow-basin" x={x} y={y} width={width} height="184" rx="8" />
      <path
        class="flow-water"
        d={`M${x} ${y + 50} q${width / 8} -14 ${width / 4} 0 t${width / 4} 0 t${width / 4} 0 t${
          width / 4
        } 0 V${y + 176} q0 8 -8 8 H${x + 8} q-8 0 -8 -8 Z`}
      />
      <text class="flow-title" x={x + width / 2} y={y + 28} text-anchor="middle">Sluice</text>
      {rows.map((row) => (
        <rect
          key={row}
          class={row > 2 ? "flow-row waits" : "flow-row"}
          x={x + 20}
          y={y + 64 + row * 21}
          width={width - 40}
          height="15"
          rx="4"
        />
      ))}
      <text class="flow-in" x={x + width / 2} y={y + 76} text-anchor="middle">{words.log}</text>
      <text class="flow-in waits" x={x + width / 2} y={y + 139} text-anchor="middle">
        {words.waits}
      </text>
    </g>
  );
}

function LyingFlow({ words }: { words: Words }) {
  return (
    <svg class="lying" viewBox="0 0 1040 300" aria-hidden="true">
      <g class="flow-line">
        <path d="M196 50 C300 50 290 110 404 110" />
        <path d="M196 140 C290 140 300 140 404 140" />
        <path d="M196 230 C300 230 290 172 404 172" />
        <path d="M636 110 C750 110 740 50 844 50" />
        <path d="M636 140 C740 140 750 140 844 140" />
        <path class="away" d="M636 172 C750 172 740 230 844 230" />
      </g>
      <path class="flow-back" d="M404 208 C320 208 330 268 212 268" />
      <path class="flow-head" d="M222 262 L211 268 L222 274" />
      <text class="flow-note" x="330" y="288" text-anchor="middle">{words.acknowledged}</text>
      <Dots
        at={[[240, 53], [300, 78], [350, 104], [262, 140], [340, 140], [250, 224], [318, 194]]}
      />
      <Dots at={[[690, 105], [744, 78], [800, 53], [700, 140], [790, 140]]} />
      <Box x={16} y={22} width={180} text={words.sensors} />
      <Box x={16} y={112} width={180} text={words.programs} />
      <Box x={16} y={202} width={180} text={words.radio} />
      <rect class="flow-gate" x="404" y="30" width="14" height="216" rx="6" />
      <rect class="flow-gate" x="622" y="30" width="14" height="216" rx="6" />
      <Basin x={426} y={46} width={188} words={words} />
      <Box x={844} y={22} width={180} text={words.database} />
      <Box x={844} y={112} width={180} text={words.series} />
      <Box x={844} y={202} width={180} text={words.broker} kind="away" />
    </svg>
  );
}

function StandingFlow({ words }: { words: Words }) {
  return (
    <svg class="standing" viewBox="0 0 340 470" aria-hidden="true">
      <g class="flow-line">
        <path d="M56 64 C56 96 130 92 130 120" />
        <path d="M170 64 L170 120" />
        <path d="M284 64 C284 96 210 92 210 120" />
        <path d="M130 350 C130 378 56 374 56 406" />
        <path d="M170 350 L170 406" />
        <path class="away" d="M210 350 C210 378 284 374 284 406" />
      </g>
      <Dots at={[[63, 80], [170, 84], [170, 104], [277, 80], [63, 388], [170, 378]]} />
      <path class="flow-back" d="M56 334 C20 334 14 300 14 220 L14 78" />
      <path class="flow-head" d="M8 88 L14 77 L20 88" />
      <text class="flow-note" x="36" y="296" transform="rotate(-90 36 296)">
        {words.acknowledged}
      </text>
      <Box x={4} y={8} width={104} text={words.sensors} />
      <Box x={118} y={8} width={104} text={words.programs} />
      <Box x={232} y={8} width={104} text={words.radio} />
      <rect class="flow-gate" x="60" y="120" width="220" height="12" rx="6" />
      <rect class="flow-gate" x="60" y="338" width="220" height="12" rx="6" />
      <Basin x={72} y={142} width={196} words={words} />
      <Box x={4} y={406} width={104} text={words.database} />
      <Box x={118} y={406} width={104} text={words.series} />
      <Box x={232} y={406} width={104} text={words.broker} kind="away" />
    </svg>
  );
}
