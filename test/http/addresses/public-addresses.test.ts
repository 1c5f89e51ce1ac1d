import assert from "node:assert/strict";
import { promisify } from "node:util";
import { PublicAddresses } from "../../../http/addresses/public-addresses.ts";

describe("public addresses", () => {
  const addresses = new PublicAddresses();

  for (const address of [
    "1.1.1.1",
    "93.184.216.34",
    "172.15.0.1",
    "172.32.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
  ]) {
    it(`have ${address}`, () => assert.equal(addresses.has(address), true));
  }

  for (const address of [
    ...["0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "168.63.129.16"],
    ...["172.16.0.1", "172.31.255.255", "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255"],
    ...[
      "::",
      "::1",
      "::ffff:127.0.0.1",
      "::ffff:10.0.0.1",
      "::127.0.0.1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
    ],
    ...["2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo", "ff02::1", "localhost", ""],
  ]) {
    it(`do not have ${address || "an empty text"}`, () => assert.equal(addresses.has(address), false));
  }

  it("are demanded of hosts that are addresses", () => {
    for (const host of ["127.0.0.1", "[::1]", "[::ffff:7f00:1]"]) {
      assert.throws(
        () => addresses.checkHost(host),
        /is not a public address: name it in SKIFF_CALLBACK_HOSTS/,
      );
    }
    // URL parsers have made an address of 0x7f.1 before.
    assert.throws(() => addresses.checkHost(new URL("http://0x7f.1/").hostname), /not a public address/);
    addresses.checkHost("1.1.1.1");
    addresses.checkHost("example.com");
  });

  it("are demanded of what a name resolves to", async () => {
    const lookup = promisify(addresses.lookup);
    await assert.rejects(lookup("localhost", {}), /^BlockedAddress: localhost is not a public address/);
    await assert.rejects(lookup("localhost", { all: true }), /not a public address/);
  });
});
