/** Destinations and sources go where their URL says: by their own scheme, and no redirect leads on. */
import assert from "node:assert/strict";
import { checkConfig } from "@/config/load.ts";
import { addsUp, GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";

const SCHEMES = [
  ...["file", "ftp", "gopher", "dict", "ldap", "data", "javascript", "unix", "jar", "tftp", "ws"],
  ...["http", "https", "mqtt", "mqtts", "postgres", "postgresql"],
];
const ALLOWED: Record<string, { schemes: string[]; rest: string }> = {
  influxdb: { schemes: ["http", "https"], rest: 'org = "o"\nbucket = "b"\ntoken = "t"' },
  postgres: { schemes: ["postgres", "postgresql"], rest: "" },
  mqtt: { schemes: ["mqtt", "mqtts"], rest: "" },
};

async function problemsOf(folder: TempDir, text: string): Promise<string[]> {
  const configFile = folder.join("sluice.toml");
  await Deno.writeTextFile(configFile, text);
  const checked = await checkConfig({
    ...{ configFile, configFileRequired: true, settingsFile: null, environment: {}, flags: [] },
  });
  return checked.ok ? [] : checked.problems.map(({ path, message }) => `${path} ${message}`);
}

Deno.test("each kind of destination and source takes its own schemes and no other", async () => {
  await using folder = await TempDir.create("sluice-ssrf-");
  for (const [type, { schemes, rest }] of Object.entries(ALLOWED)) {
    for (const scheme of SCHEMES) {
      const url = `${scheme}://example.com/x`;
      const text = `[[destination]]\nname = "d"\ntype = "${type}"\nurl = "${url}"\n${rest}\n`;
      const problems = await problemsOf(folder, text);
      assert.equal(problems.length === 0, schemes.includes(scheme), `${type} ${url}: ${problems}`);
      if (problems.length > 0) assert.match(problems[0]!, /url has the scheme/);
    }
  }
  for (const scheme of SCHEMES) {
    const text = `[[source]]\nname = "s"\ntype = "mqtt"\nurl = "${scheme}://example.com"\n` +
      'topics = ["devices/#"]\n';
    const problems = await problemsOf(folder, text);
    assert.equal(problems.length === 0, ["mqtt", "mqtts"].includes(scheme), scheme);
  }
  for (const url of ["//example.com", "example.com:8086", "http:", "http://", " file:///etc", ""]) {
    const text = `[[destination]]\nname = "d"\ntype = "influxdb"\nurl = "${url}"\n` +
      `${ALLOWED.influxdb!.rest}\n`;
    assert.notDeepEqual(await problemsOf(folder, text), [], url);
  }
});

/** Counts what it is asked and answers as told. */
function server(
  answer: () => Response,
): { url: string; asked: string[]; stop: () => Promise<void> } {
  const asked: string[] = [];
  const listener = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    asked.push(request.headers.get("authorization") ?? "");
    return answer();
  });
  const { port } = listener.addr;
  return { url: `http://127.0.0.1:${port}`, asked, stop: () => listener.shutdown() };
}

Deno.test("a destination that redirects is not followed, its token goes nowhere, nothing is lost", async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    const inside = server(() => new Response(null, { status: 204 }));
    const outside = server(() =>
      new Response(null, { status, headers: { location: `${inside.url}/secret` } })
    );
    const config = `[[destination]]\nname = "d"\ntype = "influxdb"\nurl = "${outside.url}"\n` +
      'org = "o"\nbucket = "b"\ntoken = "t"\n';
    await using gateway = await GatewayProcess.start({ config });
    const sent = await fetch(`${gateway.httpUrl}/v1/ingest/oven-1`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"metrics":{"t":1}}',
    });
    await sent.body?.cancel();
    assert.equal(sent.status, 202);
    await until(() => gateway.stderr.includes("FWD-0206"), { what: "the redirect is named" });
    const ledger = (await gateway.metrics()).ledger("d");
    assert(addsUp(ledger), JSON.stringify(ledger));
    assert.equal((ledger.enqueued ?? 0) + (ledger.in_flight ?? 0), 1, "it waits");
    assert.equal(await gateway.stop(), 0);
    assert(outside.asked.length > 0);
    assert.deepEqual(inside.asked, [], `${status} was followed`);
    await Promise.all([inside.stop(), outside.stop()]);
  }
});
