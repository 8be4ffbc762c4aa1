import assert from "node:assert/strict";
import { programOf } from "@/components/user_agent.ts";

const MOZILLA = "Mozilla/5.0";
const WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)";

Deno.test("browsers are told by name, version and system", () => {
  const cases: [agent: string, name: string, system: string | null][] = [
    [
      `${MOZILLA} (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0`,
      "Firefox 128",
      "Linux",
    ],
    [
      `${MOZILLA} (X11; Linux x86_64) ${WEBKIT} Chrome/126.0.0.0 Safari/537.36`,
      "Chrome 126",
      "Linux",
    ],
    [
      `${MOZILLA} (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/126.0 Safari/537.36 Edg/126.0.1`,
      "Edge 126",
      "Windows",
    ],
    [
      `${MOZILLA} (Linux; Android 14; Pixel 8) ${WEBKIT} Chrome/125.0.0.0 Mobile Safari/537.36`,
      "Chrome 125",
      "Android",
    ],
    [
      `${MOZILLA} (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 ` +
      `(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1`,
      "Safari 17",
      "iOS",
    ],
  ];
  for (const [agent, name, system] of cases) assert.deepEqual(programOf(agent), { name, system });
});

Deno.test("programs are told by their first word, whatever it is", () => {
  assert.deepEqual(programOf("curl/8.5.0"), { name: "curl 8.5.0", system: null });
  assert.deepEqual(programOf("  node-fetch/1.0 (+https://x)"), {
    name: "node-fetch 1.0",
    system: null,
  });
  assert.deepEqual(programOf(""), { name: "", system: null });
  assert.equal(programOf("<b>".repeat(100)).name.length, 60);
});
