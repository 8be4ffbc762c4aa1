/** The main places, in their order, and who sees them. */
import letter from "lucide/mail-x.mjs";
import activity from "lucide/activity.mjs";
import book from "lucide/book-open.mjs";
import cpu from "lucide/cpu.mjs";
import gauge from "lucide/layout-dashboard.mjs";
import history from "lucide/scroll-text.mjs";
import inbox from "lucide/package.mjs";
import route from "lucide/waypoints.mjs";
import scan from "lucide/scan-eye.mjs";
import settings from "lucide/settings.mjs";
import type { IconData } from "@/components/Icon.tsx";
import type { Texts } from "@/components/texts.ts";

export interface NavigationPlace {
  path: string;
  title: string;
  icon: IconData;
  /** Least role that may open it. */
  role: "viewer" | "operator" | "admin";
  /** Fits into the bar at the bottom of narrow screens; the others are under "More". */
  main: boolean;
}

export function navigation({ nav }: Texts): NavigationPlace[] {
  const place = (path: string, title: string, icon: unknown) => ({
    ...{ path, title, icon: icon as IconData },
    ...{ role: "viewer" as const, main: false },
  });
  return [
    { ...place("/", nav.dashboard, gauge), main: true },
    { ...place("/devices", nav.devices, cpu), main: true },
    { ...place("/predictions", nav.predictions, scan), main: true },
    { ...place("/delivery", nav.delivery, route), main: true },
    { ...place("/dead-letters", nav.deadLetters, letter), role: "operator" },
    { ...place("/settings", nav.settings, settings), role: "admin" },
    { ...place("/audit", nav.audit, history), role: "admin" },
    { ...place("/orders", nav.orders, inbox), role: "admin" },
    place("/system", nav.system, activity),
    place("/docs", nav.docs, book),
  ];
}

/** `/devices/node1` lies in `/devices`. */
export function isInside(path: string, place: string): boolean {
  return place === "/"
    ? path === "/" || path.startsWith("/dashboards")
    : path === place || path.startsWith(`${place}/`);
}
