import assert from "node:assert/strict";
import { parseTrustedProxies, plainAddress } from "../../http/trusted-proxies.ts";

describe("the trusted proxies", () => {
  const trusted: [string, string[], string[]][] = [
    ["192.0.2.7", ["192.0.2.7"], ["192.0.2.8", "::1"]],
    ["10.0.0.0/8", ["10.0.0.1", "10.255.0.1"], ["11.0.0.1"]],
    ["10.1.2.3/8", ["10.9.9.9"], ["11.0.0.1"]],
    ["2001:db8::/32", ["2001:db8::1", "2001:DB8:1::"], ["2001:db9::1", "192.0.2.1"]],
    ["2001:db8::7", ["2001:db8:0:0::7"], ["2001:db8::8"]],
    ["loopback", ["127.0.0.1", "127.9.9.9", "::1"], ["10.0.0.1", "::2", "128.0.0.1"]],
    [
      "private",
      ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1"],
      ["127.0.0.1", "172.32.0.1", "192.169.0.1", "169.254.1.1", "fe80::1", "203.0.113.1"],
    ],
    [" loopback , 192.0.2.7 ", ["127.0.0.1", "192.0.2.7"], ["10.0.0.1"]],
    ["::ffff:192.0.2.0/120", ["192.0.2.9"], ["192.0.3.1"]],
    ["::ffff:192.0.2.7", ["192.0.2.7"], ["192.0.2.8"]],
    ["0.0.0.0/0", ["203.0.113.1"], ["::1"]],
  ];
  for (const [text, inside, outside] of trusted) {
    it(`"${text}" are ${inside.join(", ")} and not ${outside.join(", ")}`, () => {
      const proxies = parseTrustedProxies(text)!;
      for (const address of inside) assert.ok(proxies.has(address), address);
      for (const address of outside) assert.ok(!proxies.has(address), address);
    });
  }

  it("are none without the variable", () => {
    for (const text of [undefined, "", " "]) assert.equal(parseTrustedProxies(text), undefined);
  });

  for (const entry of [
    ...["proxy.example.com", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "fd00::/129", "::ffff:10.0.0.0/95"],
    ...["10.0.0.1:80", "[::1]", "Loopback", "true", "1", "10.0.0.1 10.0.0.2", "fe80::1%eth0", "constructor"],
  ]) {
    it(`are not "${entry}", and the error says what may be there`, () => {
      assert.throws(() => parseTrustedProxies(`loopback,${entry}`), {
        message: `SKIFF_TRUST_PROXY: "${entry}" is not an address or a range: use addresses, ranges such as 10.0.0.0/8 or fd00::/8, loopback or private.`,
      });
    });
  }

  it("are not an empty entry, which is probably an unset variable of a shell", () => {
    for (const text of ["loopback,", ",", "loopback,,private"])
      assert.throws(() => parseTrustedProxies(text));
  });
});

describe("an address", () => {
  const addresses: [string, string | undefined][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["2001:db8::1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["192.0.2.1%eth0", undefined],
    ["192.0.2.256", undefined],
    ["unknown", undefined],
    ["", undefined],
  ];
  for (const [text, plain] of addresses) {
    it(`"${text}" is ${plain ?? "none"}`, () => assert.equal(plainAddress(text), plain));
  }
});
