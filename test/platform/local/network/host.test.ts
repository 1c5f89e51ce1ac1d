import assert from "node:assert/strict";
import { resolverOf } from "../../../../platform/local/network/host.ts";

const BOTH = { ipv4: true, ipv6: true };
const none = { systemd: "" };

describe("the resolver of a network", () => {
  it("is the machine's, with its domains and options", () => {
    const etc = "# made\nsearch example.com\nnameserver 10.0.0.53\nnameserver fd00::53\noptions ndots:2\n";
    assert.deepEqual(resolverOf({ etc, ...none }, BOTH), {
      nameservers: ["10.0.0.53", "fd00::53"],
      onLoopback: false,
      text: "search example.com\noptions ndots:2\nnameserver 10.0.0.53\nnameserver fd00::53\n",
    });
  });

  it("leaves out servers of a family that the machine has no route for, and those with a zone", () => {
    const etc = "nameserver fd00::53\nnameserver fe80::1%eth0\nnameserver 10.0.0.53\n";
    assert.deepEqual(resolverOf({ etc, ...none }, { ipv4: true, ipv6: false })?.nameservers, ["10.0.0.53"]);
    assert.deepEqual(resolverOf({ etc, ...none }, BOTH)?.nameservers, ["fd00::53", "10.0.0.53"]);
  });

  it("asks the servers behind the stub of systemd-resolved", () => {
    const files = { etc: "nameserver 127.0.0.53\n", systemd: "nameserver 192.168.0.1\nsearch lan\n" };
    const resolver = resolverOf(files, BOTH);
    assert.deepEqual(resolver, {
      nameservers: ["192.168.0.1"],
      onLoopback: false,
      text: "search lan\nnameserver 192.168.0.1\n",
    });
  });

  it("asks a server at 127.0.0.1 there, which is also the default", () => {
    const local = { nameservers: [], onLoopback: true, text: "nameserver 127.0.0.1\n" };
    assert.deepEqual(resolverOf({ etc: "nameserver 127.0.0.1\n", ...none }, BOTH), local);
    assert.deepEqual(resolverOf({ etc: "nameserver ::1\n", ...none }, BOTH), local);
    assert.deepEqual(resolverOf({ etc: "", ...none }, BOTH), local);
  });

  it("is none if the server is elsewhere on loopback", () => {
    assert.equal(resolverOf({ etc: "nameserver 127.0.0.11\n", ...none }, BOTH), undefined);
  });
});
