import assert from "node:assert/strict";
import { sendDeaf } from "./support/deaf-client.ts";
import { type StartedSkiff, startedSkiff } from "./support/skiff/started-skiff.ts";

const PART = Buffer.alloc(64 * 1024, "x");
const SPEEDS = { fast: { part: PART, parts: 320 }, slowly: { part: PART, parts: 70, everyMs: 50 } };
const LENGTH = "Content-Length: 1000000000\r\n";
const TOKEN = "0123456789abcdef";

const request = (line: string, fields = "") =>
  `${line} HTTP/1.1\r\nHost: localhost\r\n${fields}${LENGTH}\r\n`;
const withToken = (line: string, fields = "") => request(line, `Authorization: Bearer ${TOKEN}\r\n${fields}`);

/** Answers of the management API that are out before everything has come, with what the client sends. */
const ROWS: Readonly<Record<string, readonly [head: string, answer: RegExp]>> = {
  401: [request("POST /func?name=a"), /^HTTP\/1\.1 401 .*"code":"unauthorized".*\}\n$/s],
  "403, on a connection that is to end": [
    withToken("POST /func?name=a", "Origin: http://evil.example\r\nConnection: close\r\n"),
    /^HTTP\/1\.1 403 .*"code":"forbidden".*\}\n$/s,
  ],
  404: [withToken("POST /nowhere"), /^HTTP\/1\.1 404 .*"code":"unknown_route".*\}\n$/s],
  405: [withToken("POST /healthz"), /^HTTP\/1\.1 405 .*"code":"method_not_allowed".*\}\n$/s],
  413: [withToken("POST /func?name=a"), /^HTTP\/1\.1 413 .*"code":"source_too_large".*\}\n$/s],
  "413, when it is asked whether the body may come": [
    withToken("POST /func?name=a", "Expect: 100-continue\r\n"),
    /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 413 .*"code":"source_too_large".*\}\n$/s,
  ],
};

for (const workers of [1, 2]) {
  describe(`the last response to a client that still sends, of ${workers === 1 ? "one process" : `${workers} workers`}`, () => {
    let skiff: StartedSkiff;
    let port: number;
    const answers = new Map<string, Promise<string>>();
    before(async () => {
      skiff = await startedSkiff({ workers, env: { SKIFF_TOKEN: TOKEN } });
      port = Number(new URL(skiff.url).port);
      for (const [what, [head]] of Object.entries(ROWS)) {
        for (const [how, speed] of Object.entries(SPEEDS)) {
          answers.set(`${what}, sent ${how}`, sendDeaf({ to: port, head, ...speed }));
        }
      }
    });
    after(() => skiff.close());

    for (const [what, [, wanted]] of Object.entries(ROWS)) {
      for (const how of Object.keys(SPEEDS)) {
        it(`arrives whole: ${what}, sent ${how}`, async () => {
          assert.match((await answers.get(`${what}, sent ${how}`))!, wanted);
        });
      }
    }

    it("arrives whole when Skiff ends meanwhile", async () => {
      let closed: Promise<void> | undefined;
      const text = await sendDeaf({
        to: port,
        head: request("POST /fn/none", "Connection: close\r\n"),
        part: PART,
        parts: 20,
        everyMs: 20,
        onSent(parts) {
          if (parts === 5) closed = skiff.close();
        },
      });
      assert.match(text, /^HTTP\/1\.1 404 .*\}\n$/s);
      await closed;
    });
  });
}
