/**
 * `deno task screenshots [FOLDER] [PATH…]`: every page as a picture, in both themes and on a phone,
 * for a person to look at; the default folder is `dist/screenshots`. What they show is made by
 * `screenshot_scene.ts`. Pages are listed in `tests/web/pages_list.ts`.
 */
import type { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { openScene } from "@/tools/screenshot_scene.ts";
import { NARROW, PageBrowser, type Visitor, WIDE } from "@/tests/web/page_bed.ts";
import { PAGES, PUBLIC_PAGES } from "@/tests/web/pages_list.ts";
import { fillPath, ingestOne } from "@/tests/web/shown_gateway.ts";

const SHOTS = [
  { name: "light", colorScheme: "light", viewport: WIDE },
  { name: "dark", colorScheme: "dark", viewport: WIDE },
  { name: "phone", colorScheme: "light", viewport: NARROW },
] as const;

async function shoot(visitor: Visitor, { path, file }: { path: string; file: string }) {
  await visitor.open(path);
  await visitor.page.screenshot({ path: file, fullPage: true });
}

function fileName(path: string, shot: string): string {
  const name = path === "/" ? "dashboard" : path.slice(1).replaceAll(/[^\w-]+/g, "_");
  return `${name}-${shot}.png`;
}

async function shootAll(
  gateway: GatewayProcess,
  { folder, wanted }: { folder: string; wanted: string[] },
): Promise<void> {
  await using browser = await PageBrowser.launch();
  const places = { device: "press-7", message: await ingestOne(gateway) };
  const chosen = (paths: readonly string[]) => wanted.length === 0 ? paths : [];
  for (const { name, ...options } of SHOTS) {
    await using visitor = await browser.visitor(gateway.httpUrl, options);
    const shootEach = async (paths: readonly string[]) => {
      for (const path of paths) {
        const file = `${folder}/${fileName(path, name)}`;
        await shoot(visitor, { path: fillPath(path, places), file });
      }
    };
    await shootEach(chosen(PUBLIC_PAGES));
    await visitor.signIn();
    await shootEach(wanted.length === 0 ? PAGES : wanted);
  }
}

if (import.meta.main) {
  const [folder = "dist/screenshots", ...wanted] = Deno.args;
  await Deno.mkdir(folder, { recursive: true });
  await using scene = await openScene();
  await shootAll(scene.gateway, { folder, wanted });
  console.log(`Screenshots are in ${folder}`);
}
