/** Descriptions of the routes that are not JSON operations: health, ingest, MQTT, the document. */
import { z } from "@hono/zod-openapi";
import type { Api } from "@/routes/api/operation.ts";
import { DeviceId, Problem } from "@/routes/api/schemas.ts";

const Health = z.object({
  status: z.enum(["starting", "ready", "degraded", "draining", "full"]),
  ready: z.boolean(),
  notes: z.array(z.string()),
  durability: z.enum(["full", "relaxed"]),
  destinations: z.array(z.object({ name: z.string(), mode: z.string(), up: z.boolean() })),
}).openapi("Health");

const Message = z.object({
  ts: z.union([z.number(), z.string()]).optional(),
  seq: z.number().int().min(0).optional(),
  metrics: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/), z.number()),
  tags: z.record(z.string(), z.string()).optional(),
  payload: z.unknown().optional(),
}).openapi("IngestMessage", {
  description: "At most 32 metrics and 16 tags; `values` is taken for `metrics`",
  example: { metrics: { temperature: 21.5 } },
});

const Taken = z.object({
  status: z.enum(["accepted", "duplicate"]),
  id: z.string().nullable(),
}).openapi("Taken");

const LineResults = z.object({
  results: z.array(z.object({
    line: z.number().int(),
    status: z.enum(["accepted", "duplicate", "rejected", "refused"]),
    id: z.string().nullable().optional(),
    code: z.string().optional(),
    reason: z.string().optional(),
    detail: z.string().optional(),
  })),
}).openapi("LineResults");

export function describePlainRoutes(api: Api): void {
  api.hono.openAPIRegistry.register("Problem", Problem);
  describeHealth(api);
  describeIngest(api);
  api.describe({
    method: "get",
    path: "/mqtt",
    tag: "Devices' door",
    summary: "MQTT over WebSocket, subprotocol mqtt",
    text: "Upgrades to a WebSocket (101); a request that is no upgrade gets 400.",
    answer: { status: 200, text: "Never: the connection is upgraded with 101" },
  });
  api.describe({
    method: "get",
    path: "/api/openapi.json",
    tag: "About",
    summary: "This document",
    answer: { status: 200, text: "OpenAPI 3.1", schema: z.looseObject({ openapi: z.string() }) },
  });
}

function describeHealth(api: Api): void {
  api.describe({
    method: "get",
    path: "/healthz",
    tag: "About",
    summary: "Say that the process answers",
    answer: { status: 200, text: "It does", schema: z.object({ status: z.literal("ok") }) },
  });
  api.describe({
    method: "get",
    path: "/readyz",
    tag: "About",
    summary: "Say whether data can be accepted and stored",
    text: "503 with the same body while starting, draining or full.",
    answer: { status: 200, text: "Ready", schema: Health },
  });
  api.describe({
    method: "get",
    path: "/metrics",
    tag: "About",
    summary: "Health numbers for Prometheus",
    answer: { status: 200, text: "Metrics", also: { "text/plain": "Prometheus text format" } },
  });
}

function describeIngest(api: Api): void {
  api.describe({
    method: "post",
    path: "/v1/ingest/{device}",
    tag: "Devices' door",
    summary: "Send one message",
    text: "The answer follows the commit to disk. Headers: Idempotency-Key, traceparent.",
    params: z.object({ device: DeviceId }),
    body: Message,
    answer: { status: 202, text: "Committed, or known already", schema: Taken },
  });
  api.describe({
    method: "post",
    path: "/v1/ingest",
    tag: "Devices' door",
    summary: "Send a batch, one JSON message with its `device` a line",
    text: "Content-Type application/x-ndjson. A bad line never takes its neighbours with it.",
    answer: { status: 202, text: "A result per line", schema: LineResults },
  });
}
