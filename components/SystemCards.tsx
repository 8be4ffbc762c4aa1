/** The process and the machine in cards. */
import type { ComponentChildren } from "preact";
import { Card } from "@/components/Card.tsx";
import { formatBytes, formatDuration, formatNumber, formatTime } from "@/components/format.ts";
import { Tag } from "@/components/Tag.tsx";
import { Time } from "@/components/Time.tsx";
import type { SystemData } from "@/model/system_view.ts";

export interface SystemWords {
  [key: string]: string | Record<string, string>;
  statuses: Record<string, string>;
  durabilities: Record<string, string>;
}

export interface SystemCardsProps {
  data: SystemData;
  words: SystemWords;
  /** IANA name. */
  timeZone: string;
}

type Say = (key: string, values?: Record<string, string>) => string;

/** A word with `{name}`s filled in. */
function sayer(words: SystemWords): Say {
  return (key, values = {}) =>
    Object.entries(values).reduce(
      (text, [name, value]) => text.replace(`{${name}}`, value),
      String(words[key] ?? key),
    );
}

interface Told extends SystemCardsProps {
  say: Say;
}

export function SystemCards(props: SystemCardsProps) {
  const told = { ...props, say: sayer(props.words) };
  return (
    <>
      <GatewayCard {...told} />
      <DiskCard {...told} />
      <MemoryCard {...told} />
      <LoopCard {...told} />
      <ConnectionsCard {...told} />
      <HistoryCard {...told} />
    </>
  );
}

function Fact({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** The hero of a card: a number and what it says. */
function Hero({ value, sub }: { value: string; sub: string }) {
  return (
    <p class="system-hero">
      <span class="num">{value}</span> <span class="sub">{sub}</span>
    </p>
  );
}

function GatewayCard({ data: { system }, words, timeZone, say }: Told) {
  const { status, notes, version, commit, runtime, platform, startedAtMs, atMs, pid } = system;
  const isReady = status === "ready";
  return (
    <Card
      title={say("gateway")}
      span={4}
      end={<Tag tone={isReady ? "ok" : "bad"}>{words.statuses[status] ?? status}</Tag>}
    >
      <Hero value={version} sub={commit.slice(0, 12)} />
      {notes.map((note) => <p key={note} class="system-note">{note}</p>)}
      <dl class="facts">
        <Fact title={say("runtime")}>{`${runtime} · ${platform}`}</Fact>
        <Fact title={say("started")}>
          {formatTime(startedAtMs, timeZone)}
          <div class="sub">{say("uptime")} {formatDuration(atMs - startedAtMs)}</div>
        </Fact>
        <Fact title={say("process")}>{pid}</Fact>
        <Fact title={say("clock")}>
          {formatTime(atMs, timeZone)}{" "}
          <Tag tone={system.clockTrusted ? "ok" : "warn"}>
            {say(system.clockTrusted ? "clockTrusted" : "clockUntrusted")}
          </Tag>
        </Fact>
      </dl>
    </Card>
  );
}

function DiskCard({ data: { system, delivery, history }, say }: Told) {
  const { disk, diskFloorBytes } = system;
  const { queuedBytes, queueBytesMax, writtenBytesPerDay } = delivery;
  const used = formatBytes(queuedBytes);
  const written = writtenBytesPerDay === null
    ? say("writtenUnknown")
    : `${formatBytes(writtenBytesPerDay)} ${say("writtenDay")}`;
  return (
    <Card title={say("disk")} span={4}>
      {disk === null
        ? <p>{say("diskUnknown")}</p>
        : <DiskMeter disk={disk} floor={diskFloorBytes} say={say} />}
      <dl class="facts">
        <Fact title={say("database")}>
          {formatBytes(history.fileBytes)}
          {` · ${formatBytes(history.freeBytes)} ${say("databaseInside")}`}
        </Fact>
        <Fact title={say("written")}>{written}</Fact>
        <Fact title={say("queue")}>
          <meter
            min={0}
            max={queueBytesMax}
            high={queueBytesMax * 0.9}
            optimum={0}
            value={queuedBytes}
            aria-label={say("queue")}
          />
          {` ${say("queueOf", { used, max: formatBytes(queueBytesMax) })}`}
        </Fact>
      </dl>
    </Card>
  );
}

function DiskMeter(
  { disk: { freeBytes, totalBytes }, floor, say }: {
    disk: NonNullable<SystemData["system"]["disk"]>;
    floor: number;
    say: Say;
  },
) {
  const usedBytes = totalBytes - freeBytes;
  const text = say("diskOf", { used: formatBytes(usedBytes), total: formatBytes(totalBytes) });
  return (
    <>
      <Hero value={formatBytes(freeBytes)} sub={say("free")} />
      <p>
        <meter
          min={0}
          max={totalBytes}
          low={totalBytes * 0.8}
          high={Math.max(totalBytes * 0.8, totalBytes - 2 * floor)}
          optimum={0}
          value={usedBytes}
          aria-label={say("disk")}
        />
        {` ${text}`}
        <span class="sub">· {say("diskFloor", { floor: formatBytes(floor) })}</span>
      </p>
    </>
  );
}

function MemoryCard({ data: { system: { memory, cpuShare } }, say }: Told) {
  const { rssBytes, heapUsedBytes, heapTotalBytes } = memory;
  const text = say("heapOf", {
    used: formatBytes(heapUsedBytes),
    total: formatBytes(heapTotalBytes),
  });
  return (
    <Card title={say("memory")} span={4}>
      <Hero value={formatBytes(rssBytes)} sub={say("resident")} />
      <dl class="facts">
        <Fact title={say("heap")}>
          <meter
            min={0}
            max={Math.max(1, heapTotalBytes)}
            value={heapUsedBytes}
            aria-label={say("heap")}
          />
          {` ${text}`}
        </Fact>
        <Fact title={say("cpu")}>
          {cpuShare === null
            ? say("cpuUnknown")
            : `${formatNumber(cpuShare * 100, 1)} % ${say("cpuOf")}`}
        </Fact>
      </dl>
    </Card>
  );
}

/** A delay that a person would feel. */
const LOOP_SLOW_MS = 100;
const [LOOP_SECONDS, LOOP_HEIGHT] = [60, 24];

function LoopCard({ data: { system: { loopLagMs } }, say }: Told) {
  const worst = Math.max(0, ...loopLagMs);
  const isSlow = worst > LOOP_SLOW_MS;
  const top = Math.max(LOOP_SLOW_MS, worst);
  const label = say("loopChart", {
    count: String(loopLagMs.length),
    worst: formatDuration(worst),
  });
  const first = LOOP_SECONDS - loopLagMs.length;
  return (
    <Card
      title={say("loop")}
      span={4}
      end={<Tag tone={isSlow ? "warn" : "ok"}>{say(isSlow ? "loopSlow" : "loopGood")}</Tag>}
    >
      <Hero value={formatDuration(worst)} sub={say("loopWorst")} />
      <svg
        class="loop-chart"
        viewBox={`0 0 ${LOOP_SECONDS} ${LOOP_HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        {loopLagMs.map((lag, i) => {
          const height = Math.max(0.5, lag / top * LOOP_HEIGHT);
          return (
            <rect
              key={i}
              class={lag > LOOP_SLOW_MS ? "slow" : undefined}
              x={first + i}
              width="0.8"
              y={LOOP_HEIGHT - height}
              height={height}
            />
          );
        })}
      </svg>
    </Card>
  );
}

function ConnectionsCard({ data: { system }, say }: Told) {
  const { mqttConnections, streams, pages } = system;
  return (
    <Card title={say("connections")} span={4}>
      <Hero value={formatNumber(mqttConnections)} sub={say("mqtt")} />
      <dl class="facts">
        <Fact title={say("streams")}>{formatNumber(streams)}</Fact>
        <Fact title={say("pages")}>{formatNumber(pages)}</Fact>
      </dl>
    </Card>
  );
}

function HistoryCard({ data: { history, delivery, system }, words, timeZone, say }: Told) {
  const { messages, series, devices, fromMs } = history;
  const { durability, commitP99Ms } = delivery;
  return (
    <Card title={say("history")} span={4}>
      <Hero value={formatNumber(messages)} sub={say("messages")} />
      <dl class="facts">
        <Fact title={say("durability")}>{words.durabilities[durability]}</Fact>
        <Fact title={say("commit")}>
          {commitP99Ms === null ? say("noCommit") : formatDuration(commitP99Ms)}
        </Fact>
        <Fact title={say("series")}>{formatNumber(series)}</Fact>
        <Fact title={say("devices")}>{formatNumber(devices)}</Fact>
        <Fact title={say("from")}>
          {fromMs === null
            ? say("nothing")
            : <Time atMs={fromMs} nowMs={system.atMs} timeZone={timeZone} />}
        </Fact>
      </dl>
    </Card>
  );
}
