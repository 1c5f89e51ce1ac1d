import assert from "node:assert/strict";
import { remoteHosts } from "../../../../../runtimes/deno/build/resolve/remote-hosts.ts";
import { upgradeLock } from "../../../../../runtimes/deno/build/resolve/upgrade-lock.ts";

const upgraded = (lock: object) => JSON.parse(upgradeLock(JSON.stringify(lock)));
const remote = { "https://deno.land/x/a.ts": "00" };

describe("the lock of a project", () => {
  it("stays as it is in the current version", () => {
    const text = '{ "version": "5", "npm": {} }';
    assert.equal(upgradeLock(text), text);
  });

  it("is upgraded without the packages of npm, which are found by their folders", () => {
    const jsr = { "@std/assert@1.0.0": { integrity: "00" } };
    const npm = { "hono@4.6.3": { integrity: "sha512-00" } };
    const specifiers = { "npm:hono@4": "4.6.3", "jsr:@std/assert@1": "1.0.0" };
    const expected = { version: "5", specifiers: { "jsr:@std/assert@1": "1.0.0" }, jsr, remote };
    assert.deepEqual(upgraded({ version: "4", specifiers, npm, jsr, remote }), expected);
    const packages = {
      specifiers: { "npm:hono@4": "npm:hono@4.6.3", "jsr:@std/assert@1": "jsr:@std/assert@1.0.0" },
      npm,
      jsr,
    };
    assert.deepEqual(upgraded({ version: "3", packages, remote }), expected);
  });

  it("names the hosts of remote modules", () => {
    const hosts = (lock: object, jsrUrl?: string) => remoteHosts(Buffer.from(JSON.stringify(lock)), jsrUrl);
    assert.deepEqual(hosts({ version: "5", npm: { "a@1.0.0": {} } }), []);
    assert.deepEqual(remoteHosts(undefined), []);
    const redirects = { "https://esm.sh/a": "http://127.0.0.1:99/b", "https://x/": "file:///etc/passwd" };
    assert.deepEqual(hosts({ remote, redirects }), ["127.0.0.1:99", "deno.land:443", "esm.sh:443", "x:443"]);
    assert.deepEqual(hosts({ jsr: { "@a/b@1.0.0": {} } }), ["jsr.io:443"]);
    assert.deepEqual(hosts({ jsr: { "@a/b@1.0.0": {} } }, "http://127.0.0.1:80/"), ["127.0.0.1:80"]);
  });
});
