/** Dead letters under the page's filter as a file, read while it is sent. */
import { HttpError } from "@/model/errors.ts";
import { fileOf } from "@/routes/api/export.ts";
import { filterOf, letterBox, type LetterRow } from "@/routes/letter_box.ts";
import { exportLetters } from "@/routes/letter_work.ts";
import { define } from "@/routes/page_state.ts";

const COLUMNS = {
  letter: (row: ExportRow) => row.letter,
  at: (row: ExportRow) => row.at,
  device: (row: ExportRow) => row.device,
  where: (row: ExportRow) => row.where,
  topic: (row: ExportRow) => row.topic,
  reason: (row: ExportRow) => row.reason,
  detail: (row: ExportRow) => row.detail,
  attempts: (row: ExportRow) => row.attempts,
  message_id: (row: ExportRow) => row.message_id,
  payload: (row: ExportRow) => row.payload,
  payload_base64: (row: ExportRow) => row.payload_base64,
};

interface ExportRow {
  letter: number;
  at: string;
  device: string | null;
  where: string;
  topic: string;
  reason: string;
  detail: string;
  attempts: number | null;
  message_id: string | null;
  /** Null where the bytes are no text: then they are in `payload_base64`. */
  payload: string | null;
  payload_base64: string | null;
}

export const handler = define.handlers({
  async GET({ url, state: { services, identity } }) {
    const format = url.searchParams.get("format") ?? "csv";
    if (format !== "csv" && format !== "ndjson") throw unknownFormat(format);
    const filter = filterOf(url.searchParams);
    const box = letterBox(services, filter);
    const { count: total, lastLetter } = await box.count({});
    services.work.assertRoom();
    const seen = { box, total, throughLetter: lastLetter ?? 0, by: identity!.name };
    const rows = exportRows(exportLetters(services, seen));
    return fileOf(rows, { format, name: `dead_letters_${filter.kind}s`, columns: COLUMNS });
  },
});

async function* exportRows(rows: AsyncIterable<LetterRow>): AsyncGenerator<ExportRow> {
  for await (const { bytes, atMs, messageId, ...row } of rows) {
    const { letter, device, where, topic, reason, detail, attempts, payload } = row;
    yield {
      ...{ letter, at: new Date(atMs).toISOString(), device, where, topic, reason, detail },
      ...{ attempts, message_id: messageId, payload },
      payload_base64: payload === null ? bytes.toBase64() : null,
    };
  }
}

function unknownFormat(format: string): HttpError {
  return new HttpError(400, `There is no format "${format.slice(0, 40)}"`, {
    code: "HTTP-0400",
    hint: "ask for csv or ndjson",
  });
}
