import assert from "node:assert/strict";
import { parseNetRule } from "../../../platform/settings/net-rule.ts";

describe("a rule for outbound net", () => {
  for (const [text, rule] of Object.entries({
    public: { kind: "public" },
    "api.example.com": { kind: "name", host: "api.example.com" },
    "API.Example.com:443": { kind: "name", host: "api.example.com", port: 443 },
    "*.example.com": { kind: "name", host: "*.example.com" },
    localhost: { kind: "name", host: "localhost" },
    "my_db:5432": { kind: "name", host: "my_db", port: 5432 },
    "10.0.0.7": { kind: "range", base: "10.0.0.7", bits: 32 },
    "10.0.0.7:5432": { kind: "range", base: "10.0.0.7", bits: 32, port: 5432 },
    "10.0.0.0/8": { kind: "range", base: "10.0.0.0", bits: 8 },
    "0.0.0.0/0": { kind: "range", base: "0.0.0.0", bits: 0 },
    "[::1]": { kind: "ipv6", host: "[::1]" },
    "[fd00::7]:5432": { kind: "ipv6", host: "[fd00::7]", port: 5432 },
    "a.example:65535": { kind: "name", host: "a.example", port: 65_535 },
  })) {
    it(`is ${text}`, () => assert.deepEqual(parseNetRule(text), rule));
  }

  for (const text of [
    "",
    "*",
    "*:443",
    "a.*.example",
    "a..example",
    ".example",
    "-a.example",
    "a b",
    "a,b",
    "a/b",
    "http://a.example",
    "a.example:0",
    "a.example:65536",
    "a.example:",
    "a.example/8",
    "10.0.0.0/33",
    "10.0.0.0/8:80",
    "::1",
    "[::1",
    "[zz]",
    "[::1]/64",
    // Numbers that URLs take for addresses.
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "10.0.0.256",
    "a.0x7f",
    "unix:/run/docker.sock",
    "a.example\n",
    `${"a".repeat(64)}.example`,
  ]) {
    it(`is not ${JSON.stringify(text.slice(0, 30))}`, () => assert.equal(parseNetRule(text), undefined));
  }
});
