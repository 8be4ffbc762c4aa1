/** The query Worker: reads on a connection of its own, so that no chart delays a commit. */
/// <reference lib="deno.worker" />
import { copyDatabase } from "@/store/backup.ts";
import { Database } from "@/store/database.ts";
import { reasonOf } from "@/store/data_folder.ts";
import { type Queries, type QueryName, runQuery } from "@/store/queries.ts";

declare const self: DedicatedWorkerGlobalScope;

export type ToQueryWorker =
  | { type: "open"; path: string }
  | { type: "query"; token: number; name: QueryName; parameters: Queries[QueryName]["parameters"] }
  | { type: "backup"; token: number; file: string };

export interface FromQueryWorker {
  token: number;
  result: unknown;
  error: string | null;
}

let path = "";
let database: Database | null = null;

self.onmessage = (event: MessageEvent<ToQueryWorker>) => {
  const message = event.data;
  if (message.type === "open") {
    path = message.path;
    return;
  }
  void answer(message);
};

async function answer(message: Exclude<ToQueryWorker, { type: "open" }>): Promise<void> {
  const { token } = message;
  try {
    database ??= new Database(path, { readOnly: true });
    const result = message.type === "query"
      ? runQuery(database, message.name, message.parameters)
      : await copyDatabase(database, message.file);
    reply({ token, result, error: null });
  } catch (error) {
    reply({ token, result: null, error: reasonOf(error) });
  }
}

function reply(message: FromQueryWorker): void {
  self.postMessage(message);
}
