import assert from "node:assert/strict";
import { type ExecFileException, execFile } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { notTried } from "../../../support/not-tried.ts";

const ATTEMPTS = fileURLToPath(new URL("../../../support/network/attempts.ts", import.meta.url));
const WITHIN_MS = 60_000;

describe("a network of functions, with a machine and a world of its own", function () {
  this.timeout(WITHIN_MS);
  let outcomes: Record<string, string>;

  before(async function () {
    if (!isThere("curl")) notTried(this, "curl is not installed");
    const ran = await attempts();
    if ("missing" in ran) notTried(this, ran.missing ?? "");
    outcomes = ran;
  });

  const isOpen = (title: string, from: string) =>
    it(`reaches: ${title}`, () => assert.equal(outcomes[title], from));
  const isClosed = (title: string) =>
    it(`does not reach: ${title}`, () => assert.match(outcomes[title] ?? "not tried", /^curl (7|28)$/));

  describe("where public is open", () => {
    isOpen("public 9.9.9.9:8080", "world");
    isOpen("public [2a00::9]:8080", "world");
    isOpen("public [::ffff:9.9.9.9]:8080", "world");
    isOpen("public public.test:8080", "world");
    // Bound to its interface a socket ignores unreachable routes.
    for (const title of ["public", "bound"]) {
      for (const address of ["10.1.1.1", "10.1.1.53", "169.254.169.254", "168.63.129.16"]) {
        isClosed(`${title} ${address}:8080`);
      }
      for (const address of ["fd00:1::7", "64:ff9b::a01:101", "2002:a01:101::1"]) {
        isClosed(`${title} [${address}]:8080`);
      }
      // The machine itself, by each of its addresses, and by the gateway's.
      for (const address of ["100.65.0.1", "9.9.9.1", "192.0.0.1", "[fd77::1]"]) {
        isClosed(`${title} ${address}:8080`);
      }
    }
    isClosed("public [::ffff:10.1.1.1]:8080");
    isClosed("public private.test:8080");
    isClosed("public mapped.test:8080");
    isClosed("public 127.0.0.1:8081");
    isClosed("public [::1]:8080");
    // Another function of the same network listens there.
    isClosed("public 127.0.0.1:8080");
    isClosed("public 192.0.0.2:8080");
  });

  describe("where rules name addresses", () => {
    isOpen("listed 10.1.1.1:8080", "world");
    isOpen("listed [fd00:1::7]:8080", "world");
    isOpen("listed 127.0.0.1:8080", "machine");
    for (const address of ["10.1.1.1:8081", "10.1.1.2:8080", "[fd00:1::8]:8080", "127.0.0.1:8081"]) {
      isClosed(`listed ${address}`);
    }
    isClosed("listed 9.9.9.9:8080");
    isClosed("listed [2a00::9]:8080");
    isOpen("ranged 10.1.1.2:8081", "world");
    isOpen("ranged 100.65.0.1:8080", "machine");
    isClosed("ranged 9.9.9.1:8080");
    isOpen("named public.test:8080", "world");
    isClosed("named private.test:8080");
  });

  describe("over time", () => {
    isOpen("before it is the machine's 9.9.9.2:8080", "world");
    isClosed("after it is the machine's 9.9.9.2:8080");
    isOpen("after the way out ended 9.9.9.9:8080", "world");
    isClosed("after the way out ended 10.1.1.1:8080");
    isOpen("in another namespace 9.9.9.9:8080", "world");

    it("says that the way out was replaced", () =>
      assert.match(outcomes["said of it"] ?? "", /lost its uplink and starts another/));

    it("ends networks that nobody uses", () => assert.equal(outcomes["unused networks end"], "true"));
  });

  describe("without its filter, which shows that the attempts can succeed", () => {
    isOpen("without a filter [fd00:1::7]:8080", "world");
    isOpen("without a filter 9.9.9.1:8080", "machine");
  });
});

/** Runs them in namespaces that this user may make. */
function attempts(): Promise<Record<string, string> & { missing?: string }> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-network-"));
  const argv = [
    "--user",
    "--map-root-user",
    "--net",
    "--",
    process.execPath,
    ATTEMPTS,
    join(folder, "networks"),
  ];
  return new Promise((resolve, reject) => {
    const done = (error: ExecFileException | null, out: string, said: string) => {
      rmSync(folder, { recursive: true, force: true });
      if (!error) return resolve(JSON.parse(out));
      if (/^unshare: /m.test(said) || error.code === "ENOENT")
        return resolve({ missing: said.trim() || error.message });
      reject(new Error(`the attempts failed: ${said}`, { cause: error }));
    };
    execFile("unshare", argv, { timeout: WITHIN_MS, killSignal: "SIGKILL" }, done);
  });
}

function isThere(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
