import assert from "node:assert/strict";
import { rawRequest } from "../../support/raw-request.ts";
import { KEY, type StartedDashboard, startedDashboard } from "./started-dashboard.ts";

const PATHS = ["/", "/assets/main-1.js", "/session/config", "/api/func", "/functions/hello"];

describe("the origin of the dashboard", () => {
  let dashboard: StartedDashboard;
  before(async () => {
    dashboard = await startedDashboard((_, response) => response.end("{}"));
  });
  after(() => dashboard.close());

  /** The status of a request with exactly these fields. */
  const status = async (fields: readonly string[], path = "/", method = "GET") => {
    const all = [...fields, `authorization: Bearer ${KEY}`, "connection: close"];
    const head = `${method} ${path} HTTP/1.1\r\n${all.join("\r\n")}\r\n\r\n`;
    return (await rawRequest(dashboard.port, head)).status;
  };
  const host = () => `host: 127.0.0.1:${dashboard.port}`;

  it("is every name of this machine, and nothing else that DNS could lead here", async () => {
    for (const name of ["127.0.0.1", "localhost", "[::1]", "skiff.localhost", "LOCALHOST"]) {
      assert.equal(await status([`host: ${name}:${dashboard.port}`]), 200, name);
    }
    for (const path of PATHS) {
      for (const name of ["evil.example", "127.0.0.1.evil.example", "192.168.0.7", "0.0.0.0"])
        assert.equal(await status([`host: ${name}:${dashboard.port}`], path), 403, `${name} ${path}`);
      for (const name of ["", "user@127.0.0.1", "127.1", "127.0.0.1:99999"])
        assert.equal(await status([`host: ${name}`], path), 400, `${name} ${path}`);
      assert.equal(await status([], path), 400, path);
      assert.equal(await status([host(), "host: localhost"], path), 400, path);
    }
    assert.equal(dashboard.received.length, 0);
  });

  it("must be the origin of every page that asks", async () => {
    const own = `http://127.0.0.1:${dashboard.port}`;
    for (const path of PATHS) assert.equal(await status([host(), `origin: ${own}`], path), 200, path);
    const foreign = [
      `http://127.0.0.1:${dashboard.port + 1}`,
      `https://127.0.0.1:${dashboard.port}`,
      `http://localhost:${dashboard.port}`,
      `http://127.0.0.1:${dashboard.port}.evil.example`,
      ...["http://127.0.0.1", "https://evil.example", "null", "", "file://", "chrome-extension://abc"],
    ];
    const before = dashboard.received.length;
    for (const path of PATHS)
      for (const origin of foreign)
        assert.equal(await status([host(), `origin: ${origin}`], path), 403, `${origin} ${path}`);
    assert.equal(await status([host(), `origin: ${own}`, `origin: ${own}`]), 403);
    assert.equal(dashboard.received.length, before);
  });

  it("is asked by no page of the same site, and visited by links alone", async () => {
    const before = dashboard.received.length;
    const link = ["sec-fetch-mode: navigate", "sec-fetch-dest: document"];
    for (const site of ["same-site", "cross-site", "other"]) {
      for (const path of PATHS) {
        for (const mode of ["cors", "no-cors", "navigate", "websocket"]) {
          const fields = [host(), `sec-fetch-site: ${site}`, `sec-fetch-mode: ${mode}`];
          assert.equal(await status(fields, path), 403, `${site} ${mode} ${path}`);
          for (const frame of ["iframe", "frame", "object", "embed", "script", "serviceworker"])
            assert.equal(await status([...fields, `sec-fetch-dest: ${frame}`], path), 403, frame);
        }
      }
      assert.equal(await status([host(), `sec-fetch-site: ${site}`, ...link]), 200);
      assert.equal(await status([host(), `sec-fetch-site: ${site}`, ...link], "/", "POST"), 403);
    }
    assert.equal(dashboard.received.length, before);
    for (const site of ["none", "same-origin"])
      assert.equal(await status([host(), `sec-fetch-site: ${site}`]), 200);
  });

  it("is that of SKIFF_DASHBOARD_URL behind a proxy that ends TLS", async () => {
    const publicUrl = "https://dashboard.example.com";
    const behind = await startedDashboard((_, response) => response.end("{}"), {
      ...{ publicUrl, isLoopback: false },
    });
    const ask = async (fields: readonly string[]) => {
      const head = `GET /session/config HTTP/1.1\r\nconnection: close\r\n${fields.join("\r\n")}\r\n\r\n`;
      return (await rawRequest(behind.port, head)).status;
    };
    assert.equal(await ask(["host: dashboard.example.com", `origin: ${publicUrl}`]), 200);
    assert.equal(await ask(["host: dashboard.example.com", "origin: http://dashboard.example.com"]), 403);
    assert.equal(await ask(["host: functions.example.com"]), 403);
    await behind.close();
  });
});
