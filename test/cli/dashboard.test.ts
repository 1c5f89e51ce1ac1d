import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandInProcess } from "../support/skiff/command-in-process.ts";
import { startedSkiff } from "../support/skiff/started-skiff.ts";

const TOKEN = "a-token-of-an-installation";

describe("skiff dashboard", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-cli-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("prints a link with a key that has the scopes of the caller, and ends", async () => {
    const skiff = await startedSkiff({ dashboardPort: 0, env: { SKIFF_TOKEN: TOKEN } });
    try {
      const cli = new CommandInProcess(folder, { SKIFF_URL: skiff.url, SKIFF_KEY: TOKEN });
      const { stdout, stderr } = await cli.run(["dashboard"]);
      const [, base, key] = /^(http:\/\/127\.0\.0\.1:\d+)\/#key=(sk_\S+)\n$/.exec(stdout) ?? [];
      assert.equal(base, new URL(skiff.dashboardUrl!).origin, stdout + stderr);
      assert.match(stderr, /valid until \d{4}-/);
      const who = await fetch(`${base}/api/whoami`, { headers: { authorization: `Bearer ${key}` } });
      assert.deepEqual(((await who.json()) as { scopes: string[] }).scopes.length, 5);
      const { expiresAt, keyId } = await cli.json<Record<string, string>>(["dashboard", "--ttl", "8h"]);
      const leftMs = Date.parse(expiresAt!) - Date.now();
      assert.ok(Math.abs(leftMs - 8 * 3_600_000) < 60_000, `${expiresAt} ${keyId}`);
    } finally {
      await skiff.close();
    }
  });

  it("says that there is none", async () => {
    const skiff = await startedSkiff();
    try {
      const cli = new CommandInProcess(folder, { SKIFF_URL: skiff.url });
      const { code, stderr } = await cli.run(["dashboard"]);
      assert.equal(code, 2);
      assert.match(stderr, /has no dashboard: start it without --no-dashboard/);
    } finally {
      await skiff.close();
    }
  });
});
