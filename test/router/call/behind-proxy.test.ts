import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Harness, raw } from "../support/harness.ts";

const FROM_PROXY =
  "X-Forwarded-For: 192.0.2.66, 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example.com\r\n";

/** What an instance got: the target, and fields by name. */
interface Got {
  readonly target: string;
  readonly fields: Record<string, string>;
}

for (const method of ["GET", "POST"]) {
  describe(`a ${method} that comes through a proxy`, () => {
    let harness: Harness | undefined;
    let got: Got | undefined;
    const folder = mkdtempSync(join(tmpdir(), "skiff-behind-proxy-"));
    const log = join(folder, "access.log");
    async function start(trusted: string): Promise<void> {
      harness = await Harness.start({ env: { SKIFF_TRUST_PROXY: trusted, SKIFF_ACCESS_LOG: log } });
      await harness.serve((request, response) => {
        const fields: Record<string, string> = {};
        for (let i = 0; i < request.rawHeaders.length; i += 2) {
          const name = request.rawHeaders[i]!.toLowerCase();
          assert.ok(!(name in fields), `${name} is repeated`);
          fields[name] = request.rawHeaders[i + 1]!;
        }
        got = { target: request.url!, fields };
        response.end();
      });
    }
    async function close(): Promise<void> {
      await harness?.close();
      harness = undefined;
    }
    afterEach(close);
    after(() => rmSync(folder, { recursive: true }));

    async function sent(fields: string, target = "/fn/echo/a?b"): Promise<Got> {
      got = undefined;
      const length = method === "POST" ? "Content-Length: 0\r\n" : "";
      const text = `${method} ${target} HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n${length}${fields}\r\n`;
      const answer = await raw(harness!.port, text);
      assert.match(answer, /^HTTP\/1\.1 200/);
      return got!;
    }

    it("has the client, scheme and host that a trusted proxy names", async () => {
      await start("loopback");
      const { target, fields } = await sent(FROM_PROXY);
      assert.equal(target, "https://app.example.com/a?b");
      assert.equal(fields.host, "app.example.com");
      assert.equal(fields["x-forwarded-host"], "app.example.com");
      assert.equal(fields["x-forwarded-proto"], "https");
      assert.equal(fields["x-forwarded-for"], "192.0.2.66, 203.0.113.9");
      assert.equal(fields["x-forwarded-prefix"], "/fn/echo");
      assert.equal(fields.forwarded, undefined);
    });

    for (const trusted of ["", "private, 192.0.2.0/24"]) {
      it(`has those of the connection where ${trusted || "nobody"} is trusted`, async () => {
        await start(trusted);
        const more = "X-Forwarded-Port: 8443\r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=192.0.2.66\r\n";
        const { target, fields } = await sent(`${FROM_PROXY}${more}`);
        assert.equal(target, "/a?b");
        assert.equal(fields.host, "h:1");
        assert.equal(fields["x-forwarded-host"], "h:1");
        assert.equal(fields["x-forwarded-proto"], "http");
        assert.equal(fields["x-forwarded-for"], "192.0.2.66, 203.0.113.9, 127.0.0.1");
        assert.equal(fields["x-forwarded-prefix"], "/fn/echo");
        assert.equal(fields["x-forwarded-port"], undefined);
        assert.equal(fields.forwarded, 'for=192.0.2.66, for=127.0.0.1;host="h:1";proto=http');
      });
    }

    it("has those of the connection where a trusted proxy names none, or garbage", async () => {
      await start("loopback");
      const garbage =
        "X-Forwarded-For: garbage\r\nX-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a/b?\r\nX-Forwarded-Port: x\r\n";
      for (const fields of ["", garbage]) {
        const { target, fields: seen } = await sent(fields);
        assert.equal(target, "/a?b");
        assert.deepEqual(
          [seen.host, seen["x-forwarded-host"], seen["x-forwarded-proto"], seen["x-forwarded-port"]],
          ["h:1", "h:1", "http", undefined],
        );
        assert.equal(seen["x-forwarded-for"]?.split(", ").at(-1), "127.0.0.1");
      }
    });

    it("has what Forwarded says, which goes on with the client", async () => {
      await start("loopback");
      const forwarded = 'for=192.0.2.66, for="[2001:db8::9]:4711";proto=https;host="app.example.com:8443"';
      const { target, fields } = await sent(`Forwarded: ${forwarded}\r\n`);
      assert.equal(target, "https://app.example.com:8443/a?b");
      assert.equal(fields["x-forwarded-for"], "2001:db8::9");
      assert.equal(
        fields.forwarded,
        'for=192.0.2.66, for="[2001:db8::9]";host="app.example.com:8443";proto=https',
      );
    });

    it("has a Forwarded that agrees with X-Forwarded-* where both are present", async () => {
      await start("loopback");
      const { fields } = await sent(`${FROM_PROXY}Forwarded: for=192.0.2.1;proto=http\r\n`);
      assert.equal(fields["x-forwarded-for"], "192.0.2.66, 203.0.113.9");
      const own = 'for=203.0.113.9;host="app.example.com";proto=https';
      assert.equal(fields.forwarded, `for=192.0.2.1;proto=http, ${own}`);
    });

    it("has a port beside a host without one, and the proxy's prefix before its own", async () => {
      await start("loopback");
      const more = "X-Forwarded-Port: 8443\r\nX-Forwarded-Prefix: /api\r\n";
      const { target, fields } = await sent(`${FROM_PROXY}${more}`);
      assert.equal(target, "https://app.example.com:8443/a?b");
      assert.equal(fields["x-forwarded-host"], "app.example.com:8443");
      assert.equal(fields["x-forwarded-port"], "8443");
      assert.equal(fields["x-forwarded-prefix"], "/api/fn/echo");
      const kept = await sent(`X-Forwarded-Host: a.example:1\r\nX-Forwarded-Port: 8443\r\n`);
      assert.equal(kept.fields.host, "a.example:1");
    });

    it("is refused all the same if its own Host is not valid", async () => {
      await start("loopback");
      const text = `${method} /fn/echo HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n${FROM_PROXY}\r\n`;
      assert.match(await raw(harness!.port, text), /^HTTP\/1\.1 400/);
    });

    it("is in the access log with the address of the client", async () => {
      await start("loopback");
      await sent(FROM_PROXY, "/fn/echo/logged");
      await close();
      const lines = readFileSync(log, "utf8").trimEnd().split("\n");
      const line = JSON.parse(lines.findLast((text) => text.includes("/fn/echo/logged"))!);
      assert.equal(line.remoteAddress, "203.0.113.9");
      assert.equal(line.forwardedFor, "192.0.2.66, 203.0.113.9");
    });
  });
}

describe("a connection from a trusted proxy", () => {
  it("carries calls of several clients", async () => {
    const harness = await Harness.start({ env: { SKIFF_TRUST_PROXY: "loopback" } });
    try {
      const clients: (string | string[] | undefined)[] = [];
      await harness.serve((request, response) => {
        clients.push(request.headers["x-forwarded-for"]);
        response.end();
      });
      const call = (client: string, last = "") =>
        `GET /fn/echo HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: ${client}\r\n${last}\r\n`;
      await raw(harness.port, call("203.0.113.1") + call("203.0.113.2", "Connection: close\r\n"));
      assert.deepEqual(clients.toSorted(), ["203.0.113.1", "203.0.113.2"]);
    } finally {
      await harness.close();
    }
  });
});
