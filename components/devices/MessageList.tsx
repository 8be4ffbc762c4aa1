/** What a device sent, word for word; JSON is laid out. */
import { formatBytes, formatTime } from "@/components/format.ts";
import { Tag } from "@/components/Tag.tsx";
import { texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";
import type { StoredMessage } from "@/model/message.ts";

/** Of a payload; the message's own page shows all of it. */
const CHARS_MAX = 1_200;
const PREVIEW_CHARS = 120;

export interface MessageListProps {
  messages: readonly StoredMessage[];
  nowMs: number;
  timeZone: string;
}

export function MessageList({ messages, ...frame }: MessageListProps) {
  return (
    <ul class="message-list" aria-label={texts.devices.messages}>
      {messages.map((message) => <MessageLine key={message.id} {...frame} of={message} />)}
    </ul>
  );
}

function MessageLine(
  { of: message, nowMs, timeZone }: Omit<MessageListProps, "messages"> & { of: StoredMessage },
) {
  const { devices } = texts;
  const { id, topic, payload, receivedUs, clockUntrusted } = message;
  const laidOut = layOut(payload);
  const bytes = new TextEncoder().encode(payload).length;
  return (
    <li class="card message">
      <details>
        <summary>
          <span class="message-when">
            <Time atMs={receivedUs / 1000} nowMs={nowMs} timeZone={timeZone} />
          </span>
          <code class="message-topic">{topic}</code>
          <code class="message-preview" dir="ltr">{payload.slice(0, PREVIEW_CHARS)}</code>
        </summary>
        <p class="sub">
          {formatTime(receivedUs / 1000, timeZone)} · {formatBytes(bytes)}{" "}
          {clockUntrusted && <Tag tone="warn">{devices.clockUntrusted}</Tag>}
        </p>
        <pre dir="ltr" tabIndex={0} aria-label={topic}>{laidOut.slice(0, CHARS_MAX)}</pre>
        {laidOut.length > CHARS_MAX && <p class="sub">{devices.cut}</p>}
      </details>
      <a class="message-journey" href={`/messages/${id}`} aria-label={devices.journeyOf(topic)}>
        {devices.journey}
      </a>
    </li>
  );
}

/** Text that is no JSON, or longer than what is shown anyway, stays as it is. */
function layOut(payload: string): string {
  if (payload.length > CHARS_MAX || !/^\s*[{[]/.test(payload)) return payload;
  try {
    return JSON.stringify(JSON.parse(payload), null, 2);
  } catch {
    return payload;
  }
}
