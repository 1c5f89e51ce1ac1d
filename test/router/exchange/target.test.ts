import assert from "node:assert/strict";
import { isCallTarget, isHost, parseTarget } from "../../../router/exchange/request-head.ts";

describe("the target of a call", () => {
  const targets: [string, string, string, string | undefined][] = [
    ["/fn/a", "a", "/", undefined],
    ["/fn/a/", "a", "/", undefined],
    ["/fn/a?b", "a", "/?b", undefined],
    ["/fn/a/b/../c?d=/e", "a", "/b/../c?d=/e", undefined],
    ["/fn/a//b", "a", "//b", undefined],
    ["/fn/%61/b", "%61", "/b", undefined],
    ["http://h:1/fn/a/b", "a", "/b", "h:1"],
    ["HTTPS://[::1]/fn/a?b", "a", "/?b", "[::1]"],
  ];
  for (const [url, name, path, authority] of targets) {
    it(`${url} is ${path} of ${name}`, () =>
      assert.deepEqual(parseTarget(url), {
        ...{ name, version: undefined, path, prefix: `/fn/${name}`, authority },
      }));
  }

  it("names a version after an @, and 0 for anything but a number", () => {
    const versions: [string, number, string, string][] = [
      ["/fn/a@3", 3, "/", "/fn/a@3"],
      ["/fn/a@12/b@4?c=@5", 12, "/b@4?c=@5", "/fn/a@12"],
      ["http://h/fn/a@3?x", 3, "/?x", "/fn/a@3"],
      ...["", "0", "03", "x", "3@4", "-1", "1e3", "9".repeat(16)].map(
        (text): [string, number, string, string] => [`/fn/a@${text}/b`, 0, "/b", `/fn/a@${text}`],
      ),
    ];
    for (const [url, version, path, prefix] of versions) {
      const { name, ...target } = parseTarget(url)!;
      assert.equal(name, "a");
      assert.deepEqual(
        { ...target, authority: undefined },
        { version, path, prefix, authority: undefined },
        url,
      );
    }
  });

  for (const url of ["/", "/fn", "*", "example.com:443", "ftp://h/fn/a", "http://h", "http://h?/fn/a", ""]) {
    it(`${url || "(empty)"} is none`, () => assert.equal(parseTarget(url), undefined));
  }

  it("belongs to the router if it is /fn or below, in either form", () => {
    for (const url of ["/fn", "/fn?a", "/fn/", "/fn/a", "http://h/fn/a", "https://h/fn"])
      assert.ok(isCallTarget(url), url);
    for (const url of ["/func", "/fnord", "/", "*", "http://h/func", "http://h", "/a/fn/b"]) {
      assert.ok(!isCallTarget(url), url);
    }
  });

  it("has a host that is a name or an address, with or without a port", () => {
    for (const host of ["a", "a.b-c_d", "127.0.0.1:80", "[::1]", "[fe80::1]:8080", "localhost:0"])
      assert.ok(isHost(host), host);
    for (const host of [
      "",
      "a:",
      ":80",
      "a/b",
      "a?b",
      "a b",
      "a@b",
      "::1",
      "[]",
      "a:123456",
      "a,b",
      "[::1]x",
    ]) {
      assert.ok(!isHost(host), host);
    }
  });
});
