import assert from "node:assert/strict";
import { deviceSnippets, type SnippetInput } from "@/auth/device_snippets.ts";

const INPUT: SnippetInput = {
  device: "press-4",
  password: "abcdefghijklmnopqrstuvwxyz234567",
  host: "gate.local",
  mqttPort: 1883,
  httpOrigin: "http://gate.local:8000",
  authorityPem: null,
};

function textOf(id: string, changes: Partial<SnippetInput> = {}): string {
  const snippet = deviceSnippets({ ...INPUT, ...changes }).find((each) => each.id === id);
  assert(snippet !== undefined);
  return snippet.text;
}

/** The words that a shell makes of the snippet, its first one replaced by `printf`. */
async function words(script: string): Promise<string[]> {
  const shown = script.replace(/^\S+/, "printf '%s\\n'");
  const { stdout, success } = await new Deno.Command("sh", { args: ["-c", shown] }).output();
  assert.equal(success, true);
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

Deno.test("every snippet names the device, its secret and the gateway", () => {
  for (const { id, text } of deviceSnippets(INPUT)) {
    for (const part of [INPUT.device, INPUT.password, "gate.local"]) {
      assert.equal(text.includes(part), true, `${id} lacks ${part}`);
    }
    assert.equal(text.endsWith("\n"), true);
  }
  assert.deepEqual(deviceSnippets(INPUT).map(({ id }) => id), [
    "mosquitto_pub",
    "python",
    "arduino",
    "esp_idf",
    "curl",
  ]);
});

Deno.test("the shell reads back what was meant, whatever is in it", async () => {
  const hostile = `a'b"c $(touch x) \`id\` \\ ; & | > *`;
  const changes = { device: hostile, password: hostile, host: hostile, httpOrigin: hostile };
  const pub = await words(textOf("mosquitto_pub", changes));
  assert.deepEqual(pub.slice(0, 10), [
    ...["-h", hostile, "-p", "1883", "-u", hostile, "-P", hostile, "-i", hostile],
  ]);
  assert.deepEqual(pub.slice(10), [
    ...["-q", "1", "-t", `devices/${hostile}/telemetry`, "-m", '{"temperature":21.5}'],
  ]);
  const curl = await words(textOf("curl", changes));
  assert.deepEqual(curl.slice(0, 4), [
    ...["-u", `${hostile}:${hostile}`, "-H", "Content-Type: application/json"],
  ]);
});

Deno.test("string literals of C and Python keep quotes, backslashes and trigraphs", () => {
  const text = textOf("esp_idf", { password: 'a"b\\c??=d' });
  assert.equal(text.includes('password = "a\\"b\\\\c\\077\\077=d"'), true, text);
});

Deno.test("with TLS each one trusts the authority", () => {
  const authorityPem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const tls = { authorityPem, mqttPort: 8883, httpOrigin: "https://gate.local:8443" };
  assert.match(textOf("mosquitto_pub", tls), /-p 8883 --cafile ca\.pem /);
  assert.match(textOf("python", tls), /tls_set\("ca\.pem"\)/);
  assert.match(textOf("arduino", tls), /WiFiClientSecure network;[\s\S]*setCACert\(AUTHORITY\)/);
  assert.match(textOf("esp_idf", tls), /"mqtts:\/\/gate\.local:8883"/);
  assert.match(textOf("esp_idf", tls), /^ {2}"-----BEGIN CERTIFICATE-----\\n"$/m);
  assert.match(textOf("curl", tls), /^curl --cacert ca\.pem /);
  assert.match(textOf("esp_idf", { host: "fd00::2" }), /"mqtt:\/\/\[fd00::2\]:1883"/);
});
