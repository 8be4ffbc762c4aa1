import { Hono } from "hono";
import { approachOf, type HttpApproach, type HttpEnv } from "@/routes/http_env.ts";
import { HttpError } from "@/model/errors.ts";

/** Makes a WebSocket of the request and hands it to the broker; 101. */
export type UpgradeMqtt = (
  request: Request,
  approach: HttpApproach & { tls: boolean },
) => Response;

/** `GET /mqtt`: MQTT over WebSocket. Who it is, its CONNECT packet says. */
export function mqttUpgradeRoute(upgrade: UpgradeMqtt): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.get("/mqtt", (c) => {
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") throw noUpgrade();
    if (!offersMqtt(c.req.header("sec-websocket-protocol"))) throw noSubprotocol();
    return upgrade(c.req.raw, { ...approachOf(c), tls: c.env.tls === true });
  });
  return app;
}

function offersMqtt(offered: string | undefined): boolean {
  return (offered ?? "").split(",").some((name) => name.trim() === "mqtt");
}

function noUpgrade(): HttpError {
  return new HttpError(400, "This is no WebSocket upgrade", {
    code: "HTTP-0426",
    hint: "connect with an MQTT client that speaks WebSocket: ws://HOST:PORT/mqtt",
  });
}

function noSubprotocol(): HttpError {
  return new HttpError(400, 'The WebSocket does not offer the subprotocol "mqtt"', {
    code: "HTTP-0426",
    hint: 'send "Sec-WebSocket-Protocol: mqtt", as MQTT clients do',
  });
}
