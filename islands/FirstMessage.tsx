/** Waits for the first message of a new device and shows what came. */
import { Fragment } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatValue } from "@/components/format_number.ts";
import { measurementTitle, unitSymbol } from "@/components/format_unit.ts";
import { follow } from "./live.ts";

export interface FirstMessageProps {
  device: string;
  /** Page of the device. */
  href: string;
  words: {
    waitingTitle: string;
    waitingText: string;
    receivedTitle: string;
    openDevice: string;
  };
}

/** What came before the live connection stood, and texts without values, are found by asking. */
const ASK_MS = 2_000;

interface Came {
  values: Map<string, string>;
}

interface DeviceAnswer {
  seen: unknown;
  latest: { measurement: string; unit: string | null; value: number }[];
}

export default function FirstMessage({ device, href, words }: FirstMessageProps) {
  const [came, setCame] = useState<Came | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const add = (values: { measurement: string; unit: string | null; value: number }[]) =>
      setCame((before) => {
        const all = new Map(before?.values);
        for (const { measurement, unit, value } of values) {
          all.set(measurement, `${formatValue(value)} ${unitSymbol(unit)}`.trim());
        }
        return { values: all };
      });
    const ask = async () => {
      const answer = await read(device);
      if (answer !== null) add(answer.latest);
      else timer = setTimeout(ask, ASK_MS);
    };
    const unfollow = follow({
      devices: [device],
      onReadings: (series) => add(series.filter((each) => each.device === device)),
      onPrediction: (prediction) => {
        if (prediction.device === device) add([]);
      },
    });
    timer = setTimeout(ask, ASK_MS);
    return () => {
      clearTimeout(timer);
      unfollow();
    };
  }, []);
  return (
    <div class={`first-message ${came === null ? "waiting" : "came"}`} role="status">
      <p class="first-title">
        <span class="dot" /> {came === null ? words.waitingTitle : words.receivedTitle}
      </p>
      {came === null ? <p class="sub">{words.waitingText}</p> : (
        <>
          <dl class="facts">
            {[...came.values].map(([measurement, text]) => (
              <Fragment key={measurement}>
                <dt>{measurementTitle(measurement)}</dt>
                <dd>{text}</dd>
              </Fragment>
            ))}
          </dl>
          <a class="button primary" href={href}>{words.openDevice}</a>
        </>
      )}
    </div>
  );
}

/** Null while nothing came. */
async function read(device: string): Promise<DeviceAnswer | null> {
  try {
    const response = await fetch(`/api/devices/${encodeURIComponent(device)}`);
    if (!response.ok) return null;
    const answer: DeviceAnswer = await response.json();
    return answer.seen === null ? null : answer;
  } catch {
    // The live bar tells that the gateway is away; the next try comes by itself.
    return null;
  }
}
