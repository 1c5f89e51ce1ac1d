import assert from "node:assert/strict";
import { internalKey } from "../../../platform/keys/internal-key.ts";
import { Harness, raw } from "../support/harness.ts";
import { RawConnection } from "../support/raw-connection.ts";

interface Got {
  readonly target: string;
  readonly prefix: string | string[] | undefined;
  readonly host: string | undefined;
}

describe("a function at a host name of its own", () => {
  let harness: Harness;
  let got: Got | undefined;
  async function start(env: Record<string, string> = {}): Promise<void> {
    harness = await Harness.start({ env });
    await harness.serve(
      ({ url = "", headers }, response) => {
        got = { target: url, prefix: headers["x-forwarded-prefix"], host: headers.host };
        response.end("echo");
      },
      { hosts: ["app.example.com", "www.example.com"] },
    );
  }
  beforeEach(() => {
    got = undefined;
  });
  afterEach(() => harness.close());

  const request = (method: string, target: string, host: string, fields = "") =>
    `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: 0\r\n${fields}\r\n`;
  /** A request that the fast path reads. */
  const plain = (target: string, host: string, fields = "") =>
    `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`;
  const both = (target: string, host: string, fields = "") => [
    plain(target, host, fields),
    request("POST", target, host, fields),
  ];

  it("gets every path as it is, without a prefix", async () => {
    await start();
    for (const path of ["/", "/a/b?c=/d", "/?q", "/fn/other/x", "/fn/echo", "/func", "/healthz", "//a"]) {
      for (const text of both(path, "app.example.com")) {
        got = undefined;
        assert.match(await raw(harness.port, text), /^HTTP\/1\.1 200/, text);
        assert.deepEqual(got, { target: path, prefix: undefined, host: "app.example.com" });
      }
    }
  });

  it("gets no call of Skiff itself for another function, whose client named this host", async () => {
    await start();
    const own = internalKey("0123456789abcdef");
    harness.keys.set(own.id, own.spec);
    const other = internalKey("a token of another installation");
    for (const text of both("/fn/echo/x", "app.example.com", `X-Skiff-Key: ${own.text}\r\n`)) {
      assert.match(await raw(harness.port, text), /^HTTP\/1\.1 200/, text);
      assert.deepEqual(got, { target: "/x", prefix: "/fn/echo", host: "app.example.com" });
    }
    for (const text of both("/fn/echo/x", "app.example.com", `X-Skiff-Key: ${other.text}\r\n`)) {
      assert.match(await raw(harness.port, text), /^HTTP\/1\.1 200/, text);
      assert.equal(got!.target, "/fn/echo/x");
    }
  });

  it("is there for every form of the name", async () => {
    await start();
    for (const host of [
      "www.example.com",
      "APP.example.COM",
      "app.example.com:8080",
      "app.example.com.",
      "App.Example.com.:1",
    ]) {
      for (const text of both("/a", host)) {
        got = undefined;
        assert.match(await raw(harness.port, text), /^HTTP\/1\.1 200/, text);
        assert.deepEqual(got, { target: "/a", prefix: undefined, host });
      }
    }
  });

  it("is there for an absolute target, which wins over Host", async () => {
    await start();
    const absolute = await raw(harness.port, request("GET", "http://app.example.com?q", "other.example"));
    assert.match(absolute, /^HTTP\/1\.1 200/);
    assert.deepEqual(got, { target: "/?q", prefix: undefined, host: "app.example.com" });
    const other = await raw(harness.port, request("GET", "http://other.example/", "app.example.com"));
    assert.match(other, /^HTTP\/1\.1 404/);
  });

  it("is not there for names that are only similar", async () => {
    await start();
    for (const host of [
      "example.com",
      "a.app.example.com",
      "app.example.com.evil",
      "app.example.com..",
      "app-example.com",
    ]) {
      for (const text of both("/", host))
        assert.match(await raw(harness.port, text), /^HTTP\/1\.1 404/, text);
    }
  });

  it("is still at its path at every other host", async () => {
    await start();
    for (const text of both("/fn/echo/a", "h"))
      assert.match(await raw(harness.port, text), /^HTTP\/1\.1 200/);
    assert.deepEqual(got, { target: "/a", prefix: "/fn/echo", host: "h" });
  });

  it("has no answer for the target *", async () => {
    await start();
    const answer = await raw(harness.port, request("OPTIONS", "*", "app.example.com"));
    assert.match(answer, /^HTTP\/1\.1 404/);
    assert.match(answer, /\r\naccess-control-allow-origin: \*\r\n/);
  });

  it("is there at the host that a trusted proxy names, or that the proxy itself uses", async () => {
    await start({ SKIFF_TRUST_PROXY: "loopback" });
    const named = "X-Forwarded-Host: app.example.com\r\nX-Forwarded-Proto: https\r\n";
    for (const text of both("/a", "skiff.internal", named)) {
      assert.match(await raw(harness.port, text), /^HTTP\/1\.1 200/);
      assert.equal(got?.target, "https://app.example.com/a");
    }
    const path = "X-Forwarded-Host: example.com\r\nX-Forwarded-Prefix: /shop\r\n";
    for (const text of both("/a", "app.example.com", path)) {
      assert.match(await raw(harness.port, text), /^HTTP\/1\.1 200/);
      assert.deepEqual(got, { target: "/a", prefix: "/shop", host: "example.com" });
    }
  });

  it("is not there at the host that another client makes up", async () => {
    await start();
    for (const text of both("/a", "h", "X-Forwarded-Host: app.example.com\r\n")) {
      assert.match(await raw(harness.port, text), /^HTTP\/1\.1 404/);
    }
  });

  it("follows the host names of its versions on a connection that stays open", async () => {
    await start();
    const connection = new RawConnection(harness.port);
    try {
      const call = async (count: number) => {
        connection.write("GET /fn/echo/a HTTP/1.1\r\nHost: app.example.com\r\n\r\n");
        await connection.answered(count);
        return got;
      };
      const at = { prefix: undefined, host: "app.example.com" };
      assert.deepEqual(await call(1), { ...at, target: "/fn/echo/a" });
      assert.deepEqual(await call(2), { ...at, target: "/fn/echo/a" });
      await harness.serve(({ url = "", headers }, response) => {
        got = { target: url, prefix: headers["x-forwarded-prefix"], host: headers.host };
        response.end();
      });
      assert.deepEqual(await call(3), { ...at, target: "/a", prefix: "/fn/echo" });
    } finally {
      connection.destroy();
    }
  });

  it("is gone from there when it is removed", async () => {
    await start();
    await harness.platform.remove("echo");
    for (const text of both("/", "app.example.com"))
      assert.match(await raw(harness.port, text), /^HTTP\/1\.1 404/);
  });
});
