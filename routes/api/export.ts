/** Lists as files: CSV for spreadsheets, NDJSON for programs; read while they are sent. */
import { z } from "@hono/zod-openapi";
import { csvCell } from "@/auth/audit.ts";
import { logger } from "@/observe/log.ts";

export const Format = z.enum(["json", "csv", "ndjson"]).optional().openapi({
  description: "csv and ndjson give the whole window as a file, without pages",
});

export const FILE_FORMS = {
  "text/csv": "With a header; texts that a spreadsheet would take for a formula begin with '",
  "application/x-ndjson": "One JSON object a line",
};

export type Cell = string | number | boolean | null | string[];

/** Rows as an attachment; `name` without its ending. */
export function fileOf<Row>(
  rows: AsyncIterable<Row>,
  { format, name, columns }: {
    format: "csv" | "ndjson";
    name: string;
    /** In the order of the file; the cells of one row. */
    columns: Record<string, (row: Row) => Cell>;
  },
): Response {
  const lines = format === "csv" ? csvLines(rows, columns) : jsonLines(rows);
  const type = format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson";
  return new Response(streamOf(lines), {
    headers: {
      "Content-Type": type,
      "Content-Disposition": `attachment; filename="${name}.${format}"`,
      "Cache-Control": "no-store",
    },
  });
}

async function* csvLines<Row>(
  rows: AsyncIterable<Row>,
  columns: Record<string, (row: Row) => Cell>,
): AsyncGenerator<string> {
  const cells = Object.values(columns);
  yield Object.keys(columns).join(",") + "\r\n";
  for await (const row of rows) yield cells.map((cell) => cellText(cell(row))).join(",") + "\r\n";
}

async function* jsonLines<Row>(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  for await (const row of rows) yield JSON.stringify(row) + "\n";
}

/** Numbers stay numbers: "-5" is no formula. */
function cellText(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "string") return csvCell(cell);
  return Array.isArray(cell) ? csvCell(cell.join(" ")) : String(cell);
}

/** Sent in pieces of about this size: a line at a time would cost a write each. */
const PIECE_CHARS = 16 * 1024;

/** What fails on the way cuts the answer, so that nobody takes half a file for a whole one. */
export function streamOf(lines: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let cancelled = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let text = "";
      try {
        while (text.length < PIECE_CHARS) {
          const { done, value } = await lines.next();
          // The reader went away while the next line was read.
          if (cancelled) return;
          if (done) {
            if (text !== "") controller.enqueue(encoder.encode(text));
            return controller.close();
          }
          text += value;
        }
        controller.enqueue(encoder.encode(text));
      } catch (error) {
        logger("http").error("An export was cut", { cause: String(error) });
        controller.error(error);
      }
    },
    async cancel() {
      cancelled = true;
      await lines.return(undefined);
    },
  }, { highWaterMark: 0 });
}
