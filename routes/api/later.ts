/** Parts of the API that the contract names and this version does not have: it says so. */
import { HttpError } from "@/model/errors.ts";
import type { Api } from "@/routes/api/operation.ts";
import { Problem } from "@/routes/api/schemas.ts";

export function laterOperations(api: Api): void {
  for (const { path, what, instead } of LATER) {
    api.add({
      method: "get",
      path,
      tag: "Later",
      summary: `${what}: not in this version`,
      answer: { status: 501, text: "Always, in this version", schema: Problem },
    }, () => {
      throw new HttpError(501, `${what} over HTTP is not in this version`, {
        code: "HTTP-0501",
        hint: instead,
      });
    });
  }
}

const LATER = [
  {
    path: "/api/alerts",
    what: "Alerting",
    instead: "watch /metrics with the alert rules of your monitoring",
  },
  { path: "/api/backup", what: "Backup", instead: "run: sluice backup create FILE" },
];
