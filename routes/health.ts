import { Hono } from "hono";
import { HttpError } from "@/model/errors.ts";
import { approachOf, type HttpApproach, type HttpEnv } from "@/routes/http_env.ts";

/** What the health answers show. */
export interface Health {
  /** `starting`, `ready`, `draining`, `full` */
  status: string;
  ready: boolean;
  /** One sentence for each thing that is not as it should be. */
  notes: string[];
  durability: "full" | "relaxed";
  destinations: { name: string; mode: string; up: boolean }[];
}

export interface HealthParts {
  health: () => Health;
  renderMetrics: () => Promise<string>;
  /** True when this request may read the metrics. */
  mayScrape: (approach: HttpApproach) => boolean;
}

/** `/healthz`, `/readyz`, `/metrics` (FORMATS §5). */
export function healthRoutes(parts: HealthParts): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const health = parts.health();
    const degraded = health.ready && health.destinations.some((destination) => !destination.up);
    const status = degraded ? "degraded" : health.status;
    return c.json({ ...health, status }, health.ready ? 200 : 503, {
      "Cache-Control": "no-store",
    });
  });
  app.get("/metrics", async (c) => {
    if (!parts.mayScrape(approachOf(c))) throw scrapeRefused();
    const text = await parts.renderMetrics();
    return c.text(text, 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  return app;
}

function scrapeRefused(): HttpError {
  return new HttpError(401, "Metrics are read from this machine or with the scrape token", {
    code: "HTTP-0401",
    hint: 'set http.metrics_token and send it as "Authorization: Bearer …", ' +
      'or set http.metrics = "open"',
    headers: { "WWW-Authenticate": 'Bearer realm="metrics"' },
  });
}
