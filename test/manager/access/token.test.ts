import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessFor, loadOrCreateToken } from "../../../manager/access/token.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const GIVEN = "given-token-0123456789";

describe("manager: the token", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-token-"));
    file = join(folder, "token.sha256");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is made at the first start, shown once, and kept as a hash that only the owner can read", () => {
    const { hash, created } = loadOrCreateToken(file);
    assert.match(created!, /^[-_A-Za-z0-9]{43}$/);
    assert.equal(hash, sha256(created!));
    assert.equal(readFileSync(file, "utf8"), `sha256:${hash}\n`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ["token.sha256"]);
  });

  it("stays the same at the next start, and is not shown again", () => {
    const { hash } = loadOrCreateToken(file);
    assert.deepEqual(loadOrCreateToken(file), { hash });
  });

  it("is another one in every installation", () => {
    assert.notEqual(loadOrCreateToken(file).hash, loadOrCreateToken(`${file}2`).hash);
  });

  it("is the given one when there is one, which is never stored", () => {
    assert.deepEqual(loadOrCreateToken(file, GIVEN), { hash: sha256(GIVEN) });
    assert.equal(existsSync(file), false);
    const { hash } = loadOrCreateToken(file);
    assert.deepEqual(loadOrCreateToken(file, GIVEN), { hash: sha256(GIVEN) });
    assert.deepEqual(loadOrCreateToken(file), { hash });
  });

  it("makes the folder that it is kept in", () => {
    const deep = join(folder, "new", "token.sha256");
    assert.ok(loadOrCreateToken(deep).created);
    assert.ok(existsSync(deep));
  });

  for (const weak of ["", "short", "x".repeat(15)]) {
    it(`is refused with ${weak.length} characters`, () => {
      assert.throws(() => loadOrCreateToken(file, weak), /at least 16/);
    });
  }

  it("is refused with characters that no client could send", () => {
    for (const token of ["with spaces in between", "mot de passe très long", "newline-at-the-end-\n"]) {
      assert.throws(() => loadOrCreateToken(file, token), /Bearer token/);
    }
  });

  it("is not replaced when its file is damaged: that would lock out who has the old one unnoticed", () => {
    for (const text of ["", "sha256:", `sha256:${"0".repeat(63)}`, "secret"]) {
      writeFileSync(file, text);
      assert.throws(() => loadOrCreateToken(file), /token\.sha256 has no token hash: delete it/);
      assert.equal(readFileSync(file, "utf8"), text);
    }
  });

  describe("by where Skiff listens", () => {
    const access = (host: string, env: Record<string, string> = {}) =>
      accessFor({ host, tokenFile: file, env });

    for (const host of ["127.0.0.1", "localhost", "::1", "127.0.0.53"]) {
      it(`is not needed on ${host}`, () => {
        assert.deepEqual(access(host), { access: { mode: "loopback" } });
        assert.equal(existsSync(file), false);
      });
    }

    it("is asked for on loopback too when one is given, and web pages are kept out all the same", () => {
      const { access: found, createdToken } = access("127.0.0.1", { SKIFF_TOKEN: GIVEN });
      const whereabouts = "The token is the variable SKIFF_TOKEN of Skiff.";
      assert.deepEqual(found, { mode: "token", tokenHash: sha256(GIVEN), whereabouts, loopback: true });
      assert.equal(createdToken, undefined);
    });

    for (const host of ["0.0.0.0", "::", "192.168.0.2", "skiff.example", ""]) {
      it(`is needed on "${host}" and made when none is given`, () => {
        const { access: found, createdToken } = access(host);
        assert.partialDeepStrictEqual(found, { mode: "token", tokenHash: sha256(createdToken!) });
        assert.ok(found.mode === "token" && found.whereabouts.includes(file));
        assert.equal(access(host).createdToken, undefined);
      });
    }

    it("is switched off only by saying so", () => {
      assert.deepEqual(access("0.0.0.0", { SKIFF_ACCESS: "open" }), { access: { mode: "open" } });
      assert.throws(() => access("0.0.0.0", { SKIFF_ACCESS: "none" }), /SKIFF_ACCESS=none is unknown/);
      assert.throws(() => access("0.0.0.0", { SKIFF_ACCESS: "open", SKIFF_TOKEN: GIVEN }), /contradict/);
      assert.equal(access("0.0.0.0", { SKIFF_ACCESS: "", SKIFF_TOKEN: "" }).access.mode, "token");
    });

    it("is refused when it is weak", () => {
      assert.throws(() => access("0.0.0.0", { SKIFF_TOKEN: "password" }), /easy to guess/);
    });
  });
});
