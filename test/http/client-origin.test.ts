import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type ClientOrigin, readOrigin } from "../../http/client-origin.ts";
import { parseTrustedProxies } from "../../http/trusted-proxies.ts";
import type { KnownFields } from "../../router/exchange/request.ts";
import { threadMs } from "../support/processor/thread-time.ts";

const PROXIES = parseTrustedProxies("loopback,private")!;

function origin(headers: KnownFields, peer: string | undefined = "10.0.0.1"): ClientOrigin | undefined {
  const socket = { remoteAddress: peer } as Socket;
  const head = { method: "GET", url: "/", httpVersion: "1.1", httpVersionMinor: 1, rawHeaders: [] };
  return readOrigin({ ...head, headers, socket }, PROXIES);
}

const xff = (value: string | string[]) => ({ "x-forwarded-for": value });

describe("the origin of a call", () => {
  it("is what a trusted proxy says", () => {
    const headers = {
      ...xff("203.0.113.9"),
      "x-forwarded-host": "app.example.com",
      "x-forwarded-proto": "https",
      "x-forwarded-prefix": "/api/",
      "x-forwarded-port": "8443",
    };
    assert.deepEqual(origin(headers), {
      address: "203.0.113.9",
      host: "app.example.com",
      scheme: "https",
      prefix: "/api",
      port: "8443",
      forBefore: undefined,
      forwardedBefore: undefined,
    });
  });

  it("is unknown behind any other peer, and behind one without an address", () => {
    for (const peer of ["203.0.113.1", "2001:db8::1", "::ffff:203.0.113.1", "garbage", ""]) {
      assert.equal(origin(xff("203.0.113.9"), peer), undefined, peer);
    }
    const socket = {} as Socket;
    const head = { method: "GET", url: "/", httpVersion: "1.1", httpVersionMinor: 1, rawHeaders: [] };
    assert.equal(readOrigin({ ...head, headers: xff("203.0.113.9"), socket }, PROXIES), undefined);
  });

  it("is what a mapped or a scoped peer says", () => {
    for (const peer of ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "fd00::1%eth0", "::1"]) {
      assert.equal(origin(xff("203.0.113.9"), peer)?.address, "203.0.113.9", peer);
    }
  });

  // Entries, the client's address, and what is left before it.
  const lists: [string | string[], string, string | undefined][] = [
    ["", "10.0.0.1", undefined],
    ["203.0.113.9", "203.0.113.9", undefined],
    ["192.0.2.66, 203.0.113.9", "203.0.113.9", "192.0.2.66"],
    ["192.0.2.66 ,127.0.0.1,203.0.113.9, 10.0.0.7", "203.0.113.9", "192.0.2.66, 127.0.0.1"],
    [["192.0.2.66", "203.0.113.9, 10.0.0.7"], "203.0.113.9", "192.0.2.66"],
    ["203.0.113.9, 10.0.0.7, 192.168.0.1, ::1", "203.0.113.9", undefined],
    ["10.0.0.9, 10.0.0.8", "10.0.0.9", undefined],
    ["::ffff:203.0.113.9", "203.0.113.9", undefined],
    ["203.0.113.9:4711", "203.0.113.9", undefined],
    ["2001:db8::9", "2001:db8::9", undefined],
    ["[2001:db8::9]:443", "2001:db8::9", undefined],
    ["[2001:db8::9], ::ffff:10.0.0.7", "2001:db8::9", undefined],
    // What is not an address ends the walk at the last address that a trusted proxy saw.
    ["203.0.113.9, unknown", "10.0.0.1", "203.0.113.9, unknown"],
    ["203.0.113.9, garbage, 10.0.0.7", "10.0.0.7", "203.0.113.9, garbage"],
    ["<script>, 203.0.113.9", "203.0.113.9", "<script>"],
    ["203.0.113.9,,", "203.0.113.9", undefined],
  ];
  for (const [value, address, before] of lists) {
    it(`with X-Forwarded-For: ${value} is ${address}`, () => {
      const { address: found, forBefore } = origin(xff(value))!;
      assert.deepEqual([found, forBefore], [address, before]);
    });
  }

  const forwarded: [string, Partial<ClientOrigin>][] = [
    ["for=203.0.113.9;proto=https;host=app.example.com", { host: "app.example.com", scheme: "https" }],
    ['For="203.0.113.9:4711"; Proto=HTTPS ; by=10.0.0.1', { scheme: "https" }],
    ['for="[2001:db8::9]:4711";host="app.example.com:8443"', { host: "app.example.com:8443" }],
    ["for=[2001:db8::9]", {}],
    ["for=203.0.113.9;proto=https, for=10.0.0.7;proto=http", { scheme: "https" }],
    ['for=192.0.2.66;host=evil, for="203.0.113.9"', { forwardedBefore: "for=192.0.2.66;host=evil" }],
    ['for="a,b;c", for=203.0.113.9', { forwardedBefore: 'for="a,b;c"' }],
    ['for="open, for=203.0.113.9;proto=https', { forwardedBefore: 'for="open', scheme: "https" }],
    ['for=203.0.113.9;host="a\\".example.com"', { host: 'a".example.com' }],
  ];
  for (const [value, expected] of forwarded) {
    it(`with Forwarded: ${value} is that`, () => {
      const nothing = { host: undefined, port: undefined, scheme: undefined, prefix: "" };
      const before = { forBefore: undefined, forwardedBefore: undefined };
      const address = value.includes("2001:") ? "2001:db8::9" : "203.0.113.9";
      assert.deepEqual(origin({ forwarded: value }), { address, ...nothing, ...before, ...expected });
    });
  }

  for (const value of [
    ...["for=unknown", "for=_hidden", "garbage", "for", 'for="203.0.113.9', "for=203.0.113.9;for=192.0.2.66"],
    ...[
      "for=203.0.113.9 proto=https",
      "for=203.0.113.9;;proto=https",
      '"',
      ";",
      "=",
      "for=203.0.113.9;proto",
    ],
  ]) {
    it(`with Forwarded: ${value} is the proxy, as the client is not named`, () => {
      const { address, scheme, host } = origin({ forwarded: value })!;
      assert.deepEqual([address, scheme, host], ["10.0.0.1", undefined, undefined]);
    });
  }

  it("has the scheme that a proxy names for a client that it does not", () => {
    assert.equal(origin({ forwarded: "for=unknown;proto=https" })?.scheme, "https");
  });

  it("comes from X-Forwarded-* where both are present, whose Forwarded the client may have made up", () => {
    for (const known of [xff("203.0.113.9"), { "x-forwarded-proto": "http" }, { "x-forwarded-host": "a" }]) {
      const { address, scheme, host, forwardedBefore } = origin({
        ...known,
        forwarded: "for=192.0.2.66;proto=https;host=evil",
      })!;
      assert.equal(address, "x-forwarded-for" in known ? "203.0.113.9" : "10.0.0.1");
      assert.notEqual(scheme, "https");
      assert.notEqual(host, "evil");
      assert.equal(forwardedBefore, "for=192.0.2.66;proto=https;host=evil");
    }
  });

  it("takes from lists what the proxy next to the client wrote", () => {
    const lists = { "x-forwarded-proto": "http, https", "x-forwarded-host": "evil, app.example.com" };
    const one = origin({ ...xff("203.0.113.9"), ...lists })!;
    assert.deepEqual([one.scheme, one.host], ["https", "app.example.com"]);
    const two = origin({ ...xff("203.0.113.9, 10.0.0.7"), ...lists })!;
    assert.deepEqual([two.scheme, two.host], ["http", "evil"]);
    // The inner proxy replaced the list.
    const replaced = origin({ ...xff("203.0.113.9, 10.0.0.7"), "x-forwarded-proto": "https" })!;
    assert.equal(replaced.scheme, "https");
  });

  it("knows four schemes", () => {
    const schemes = { HTTPS: "https", http: "http", wss: "https", ws: "http", ftp: undefined, on: undefined };
    for (const [text, scheme] of Object.entries({ ...schemes, constructor: undefined, "": undefined })) {
      assert.equal(origin({ "x-forwarded-proto": text })?.scheme, scheme, text);
    }
  });

  it("has no port that says nothing, or is none", () => {
    for (const port of ["80", "443", "0", "65536", "8443x", "-1", ""]) {
      assert.equal(origin({ "x-forwarded-port": port })?.port, undefined, port);
    }
  });

  it("has no prefix that is no path, or leads to another host", () => {
    for (const prefix of [
      "//evil.example",
      "/a//b",
      "api",
      "/",
      "/a b",
      "/a?b",
      "/a#b",
      "/a\\b",
      "/a,/b",
      "",
    ]) {
      assert.equal(origin({ "x-forwarded-prefix": prefix })?.prefix, "", prefix);
    }
    assert.equal(origin({ "x-forwarded-prefix": "/a/b-c%20d" })?.prefix, "/a/b-c%20d");
  });

  it("takes no longer for a long list", () => {
    const startedMs = threadMs();
    origin({ forwarded: `${",".repeat(30_000)}` });
    origin({ forwarded: `for="${"\\".repeat(30_000)}` });
    origin({ forwarded: "a".repeat(30_000) });
    origin(xff("10.0.0.7,".repeat(3_500)));
    assert.ok(threadMs() - startedMs < 1_000);
  });
});
