import assert from "node:assert/strict";
import { checkHostsFree, isHostName } from "../../../platform/settings/host-names.ts";

describe("a host name of a function", () => {
  const longest = [..."abc"].map((letter) => letter.repeat(63)).join(".");
  for (const name of [
    ...["app.example.com", "shop", "a", "shop.localhost", "xn--bcher-kva.example", "1.example", "a-b.c1"],
    ...[`${longest}.${"d".repeat(61)}`, "4you.example", "com.1x"],
  ]) {
    it(`may be ${name.slice(0, 40)}`, () => assert.ok(isHostName(name)));
  }

  for (const name of [
    ...["", ".", "localhost", "App.example.com", "app.example.com.", ".example.com", "a..b", "-a.b", "a-.b"],
    ...["127.0.0.1", "127.1", "1", "0x7f000001", "a.1", "a.0x1f", "[::1]", "::1", "app.example.com:80"],
    ...["*.example.com", "a_b.example", "http://a", "a/b", "a b", "b\u00fccher.example", "a\n", "a@b"],
    ...["a".repeat(64), `${longest}.${"d".repeat(62)}`],
  ]) {
    it(`is never ${JSON.stringify(name.slice(0, 40))}`, () => assert.ok(!isHostName(name)));
  }
});

describe("host names of several functions", () => {
  const functions = [{ name: "a", hosts: ["a.example", "b.example"] }, { name: "b" }];

  it("are free if no other function has them", () => {
    checkHostsFree("a", ["b.example"], functions);
    checkHostsFree("b", ["c.example"], functions);
    checkHostsFree("b", [], functions);
  });

  it("are taken otherwise, and the error names host and function", () => {
    assert.throws(() => checkHostsFree("b", ["c.example", "b.example"], functions), {
      code: "host_taken",
      status: 409,
      detail: 'The host name b.example belongs to the function "a": remove it there, or choose another.',
    });
  });
});
