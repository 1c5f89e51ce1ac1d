import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { rawRequest } from "../../support/raw-request.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";

const TOKEN = "a-token-for-this-test-only";

describe("the management API of a Skiff with workers", () => {
  let skiff: StartedSkiff;
  let port: number;

  before(async () => {
    skiff = await startedSkiff({ workers: 2, env: { SKIFF_TOKEN: TOKEN } });
    port = Number(new URL(skiff.url).port);
    const body = `export default () => { console.log("called"); return "hi"; };`;
    const response = await fetch(`${skiff.url}/func?name=hi`, { method: "POST", body, headers: own() });
    assert.equal(response.status, 201);
    assert.equal(((await response.json()) as { url: string }).url, `${skiff.url}/fn/hi`);
  });
  after(() => skiff.close());

  const own = () => ({ authorization: `Bearer ${TOKEN}` });

  /** A request by its header fields, as they are. */
  const ask = async (fields: string, target = "/func") => {
    const { status, headers, body } = await rawRequest(port, `GET ${target} HTTP/1.1\r\n${fields}\r\n\r\n`);
    return { status, headers, body };
  };
  const host = "Host: localhost";
  const bearer = `Authorization: Bearer ${TOKEN}`;

  it("wants the token", async () => {
    const { status, headers } = await ask(host);
    assert.equal(status, 401);
    assert.equal(headers.get("www-authenticate"), 'Bearer realm="skiff"');
    assert.equal((await ask(`${host}\r\nAuthorization: Bearer wrong-token-of-16`)).status, 401);
    assert.equal((await ask(`${host}\r\n${bearer}`)).status, 200);
  });

  it("sees every field as often as it was sent", async () => {
    assert.equal((await ask(`${host}\r\n${bearer}\r\n${bearer}`)).status, 401);
    assert.equal((await ask(`${host}\r\nHost: evil.example\r\n${bearer}`)).status, 403);
    assert.equal((await ask(`Host: evil.example\r\n${bearer}`)).status, 403);
    assert.equal((await ask(`X-None: 1\r\n${bearer}`)).status, 403);
    const both = `Origin: http://localhost\r\nOrigin: http://evil.example`;
    assert.equal((await ask(`${host}\r\n${both}\r\n${bearer}`)).status, 403);
    assert.equal((await ask(`${host}\r\nOrigin: https://evil.example\r\n${bearer}`)).status, 403);
    assert.equal((await ask(`${host}\r\nSec-Fetch-Site: cross-site\r\n${bearer}`)).status, 403);
  });

  it("knows the address of the client, whatever the client says", async () => {
    const fields = `Host: localhost\r\n${bearer}\r\nX-Skiff-Client: 203.0.113.9`;
    await rawRequest(port, `DELETE /func/none HTTP/1.1\r\n${fields}\r\n\r\n`);
    const { entries } = JSON.parse((await ask(`${host}\r\n${bearer}`, "/audit")).body);
    const { target, from } = entries[0] as { target: string; from: string };
    assert.deepEqual([target, from], ["none", "127.0.0.1"]);
  });

  it("is not fooled by fields that name themselves as belonging to the connection", async () => {
    assert.equal(
      (await ask(`${host}\r\nOrigin: https://evil.example\r\nConnection: Origin\r\n${bearer}`)).status,
      403,
    );
    assert.equal((await ask(`${host}\r\nConnection: Authorization\r\n${bearer}`)).status, 200);
  });

  it("answers probes without a token, and metrics with it", async () => {
    assert.equal((await ask(host, "/healthz")).status, 200);
    assert.equal((await ask(host, "/readyz")).status, 200);
    assert.equal((await ask(host, "/metrics")).status, 401);
    assert.match((await ask(`${host}\r\n${bearer}`, "/metrics")).body, /process_open_fds{worker="2"}/);
  });

  it("answers HEAD, and a request without a body that may have one", async () => {
    const head = await fetch(`${skiff.url}/func/hi`, { method: "HEAD", headers: own() });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    const empty = await rawRequest(port, `POST /func?name=a HTTP/1.1\r\n${host}\r\n${bearer}\r\n\r\n`);
    assert.equal((JSON.parse(empty.body) as { code: string }).code, "invalid_source");
  });

  it("sends a log that is followed line by line, until the client leaves", async () => {
    const leave = new AbortController();
    const url = `${skiff.url}/func/hi/logs?follow=true&tail=0`;
    const response = await fetch(url, { headers: own(), signal: leave.signal });
    const reader = response.body!.getReader();
    const read = reader.read();
    await fetch(`${skiff.url}/fn/hi`);
    assert.match(Buffer.from((await read).value!).toString(), / stdout info \S+ called\n$/);
    leave.abort();
    // A log that is followed by nobody does not hold the next test's Skiff up.
    await assert.rejects(reader.read());
  });

  it("takes a source of some MiB in chunks", async () => {
    const line = Buffer.alloc(1024 * 1024, `${"/".repeat(63)}\n`);
    let left = 2;
    const body = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(line);
        else {
          controller.enqueue(Buffer.from('export default () => "big";'));
          controller.close();
        }
      },
    });
    const init = { method: "PUT", body, duplex: "half", headers: own() } as RequestInit;
    const response = await fetch(`${skiff.url}/func/big`, init);
    assert.equal(response.status, 201, await response.text());
    assert.equal(await (await fetch(`${skiff.url}/fn/big`)).text(), "big");
  });

  it("is reached over a socket in a folder of this user alone", () => {
    assert.equal(statSync(join(skiff.dataFolder, "run")).mode & 0o077, 0);
  });

  it("says on the terminal which calls failed, whichever worker had them", async () => {
    await fetch(`${skiff.url}/func/dying`, {
      method: "PUT",
      body: "export default () => Deno.exit(7);",
      headers: own(),
    });
    assert.equal((await fetch(`${skiff.url}/fn/dying`)).status, 502);
    await eventually("it is printed", () =>
      skiff.lines.some((line) => /GET \/fn\/dying failed: 502 instance_failed/.test(line)),
    );
  });
});
