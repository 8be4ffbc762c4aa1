/** What a person recognises a sign-in by, from the `User-Agent` that started it. */

export interface Program {
  /** `Firefox 128`, `curl 8.5.0`; empty where nothing was sent. */
  name: string;
  /** `Android`, `Windows`; null for programs that do not say. */
  system: string | null;
}

/** Asked in this order: most browsers name each other too. */
const BROWSERS: readonly [name: string, version: RegExp][] = [
  ["Edge", /\bEdg(?:A|iOS)?\/(\d+)/],
  ["Opera", /\bOPR\/(\d+)/],
  ["Samsung Internet", /\bSamsungBrowser\/(\d+)/],
  ["Firefox", /\b(?:Firefox|FxiOS)\/(\d+)/],
  ["Chrome", /\b(?:HeadlessChrome|Chrome|CriOS)\/(\d+)/],
  ["Safari", /\bVersion\/(\d+)[^ ]* .*\bSafari\//],
];

const SYSTEMS: readonly [name: string, mark: RegExp][] = [
  ["Android", /\bAndroid\b/],
  ["iOS", /\b(?:iPhone|iPad|iPod)\b/],
  ["ChromeOS", /\bCrOS\b/],
  ["Windows", /\bWindows\b/],
  ["macOS", /\bMac OS X\b/],
  ["Linux", /\bLinux\b/],
];

const NAME_MAX = 60;

export function programOf(agent: string): Program {
  const system = SYSTEMS.find(([, mark]) => mark.test(agent))?.[0] ?? null;
  for (const [name, version] of BROWSERS) {
    const found = version.exec(agent);
    if (found !== null) return { name: `${name} ${found[1]}`, system };
  }
  const [first = ""] = agent.trim().split(/\s+/);
  return { name: first.replace("/", " ").slice(0, NAME_MAX), system };
}
