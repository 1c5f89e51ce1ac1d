import assert from "node:assert/strict";
import { FailedAttempts } from "../../http/failed-attempts.ts";

describe("failed attempts", () => {
  let failed: FailedAttempts;
  beforeEach(() => {
    failed = new FailedAttempts({ attempts: 3 });
  });
  const fail = (address: string, times: number, nowMs = 0) => {
    for (let n = 0; n < times; n++) failed.fail(address, nowMs);
  };

  it("block an address for the rest of the minute in which it began", () => {
    fail("192.0.2.1", 2, 1_000);
    assert.equal(failed.blockedMs("192.0.2.1", 1_000), 0);
    fail("192.0.2.1", 1, 31_000);
    assert.equal(failed.blockedMs("192.0.2.1", 31_000), 30_000);
    assert.equal(failed.blockedMs("192.0.2.1", 61_000), 0);
    fail("192.0.2.1", 1, 61_000);
    assert.equal(failed.blockedMs("192.0.2.1", 61_000), 0);
  });

  it("block no other address", () => {
    fail("192.0.2.1", 9);
    for (const other of ["192.0.2.2", "::1", "unknown"]) assert.equal(failed.blockedMs(other, 0), 0);
  });

  it("count an IPv6 network of 64 bits as one address, and a mapped address as IPv4", () => {
    for (const address of ["2001:db8:0:7::1", "2001:DB8::7:0:0:0:2", "2001:db8:0:07:1:2:3:4"])
      fail(address, 1);
    assert.ok(failed.blockedMs("2001:db8:0:7:ffff::", 0) > 0);
    assert.equal(failed.blockedMs("2001:db8:0:8::1", 0), 0);
    fail("::ffff:192.0.2.1", 3);
    assert.ok(failed.blockedMs("192.0.2.1", 0) > 0);
    assert.equal(failed.blockedMs("::ffff:192.0.2.2", 0), 0);
    fail("::1", 3);
    assert.ok(failed.blockedMs("::1", 0) > 0);
  });

  it("are remembered of 10,000 addresses, the newest", () => {
    fail("192.0.2.1", 3);
    for (let n = 0; n < 10_000; n++) failed.fail(`10.${n >> 8}.${n & 255}.1`, 1);
    assert.equal(failed.blockedMs("192.0.2.1", 1), 0);
    fail("10.39.15.1", 2, 1);
    assert.ok(failed.blockedMs("10.39.15.1", 1) > 0);
  });
});
