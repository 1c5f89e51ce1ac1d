import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keySource, SecretKey } from "../../../../platform/local/secrets/secret-key.ts";

describe("the key for secrets", () => {
  let folder: string;
  let data: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-key-"));
    data = join(folder, "data");
    mkdirSync(data);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const refused = (detail: RegExp) => ({ code: "secrets_unavailable", detail });

  describe("is found", () => {
    const key = Buffer.alloc(32, 0xab);

    it("in a variable, in hex and both forms of base64", () => {
      for (const text of [
        key.toString("hex"),
        key.toString("base64"),
        key.toString("base64url"),
        ` ${key.toString("hex")}\n`,
      ]) {
        const source = keySource({ SKIFF_SECRETS_KEY: text });
        assert.deepEqual("key" in source && Buffer.from(source.key), key, text);
      }
    });

    it("in a file, by default in the user's folder for configuration", () => {
      assert.deepEqual(keySource({ SKIFF_SECRETS_KEY_FILE: "/k" }), { file: "/k" });
      assert.deepEqual(keySource({ HOME: "/home/a" }), { file: "/home/a/.config/skiff/secrets.key" });
      const env = { HOME: "/home/a", XDG_CONFIG_HOME: "/etc/x", SKIFF_SECRETS_KEY_FILE: "" };
      assert.deepEqual(keySource(env), { file: "/etc/x/skiff/secrets.key" });
      const relative = { HOME: "/home/a", XDG_CONFIG_HOME: "x" };
      assert.deepEqual(keySource(relative), { file: "/home/a/.config/skiff/secrets.key" });
    });

    it("or refused, without being quoted", () => {
      for (const text of ["short", "g".repeat(64), `${key.toString("hex")}00`]) {
        assert.throws(
          () => keySource({ SKIFF_SECRETS_KEY: text }),
          (error: Error) =>
            /SKIFF_SECRETS_KEY is not a key of 32 bytes/.test(error.message) && !error.message.includes(text),
        );
      }
      const both = { SKIFF_SECRETS_KEY: key.toString("hex"), SKIFF_SECRETS_KEY_FILE: "/k" };
      assert.throws(() => keySource(both), /contradict each other: set one of them/);
    });
  });

  it("is created with the first secret, for its owner alone, and stays", () => {
    const file = join(folder, "config", "skiff", "secrets.key");
    const first = new SecretKey({ file }, data).forWriting(false);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder, "config", "skiff")).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(join(folder, "config", "skiff")), ["secrets.key"]);
    assert.equal(readFileSync(file, "utf8").trim(), Buffer.from(first.bytes).toString("hex"));
    const second = new SecretKey({ file }, data);
    assert.deepEqual(second.forReading(), first);
    assert.deepEqual(second.forWriting(true), first);
  });

  it("is not created anew while there are values, because they would be lost", () => {
    const file = join(folder, "secrets.key");
    const key = new SecretKey({ file }, data);
    assert.throws(() => key.forWriting(true), refused(/secrets\.key .* does not exist: restore/));
    assert.throws(() => key.forReading(), refused(/does not exist: restore/));
    assert.deepEqual(readdirSync(folder), ["data"]);
  });

  it("is not accepted in the data folder, whose copies must not have it", () => {
    symlinkSync(data, join(folder, "link"));
    for (const file of [join(data, "secrets.key"), join(data, "a", "b", "k"), join(folder, "link", "k")]) {
      const key = new SecretKey({ file }, data);
      assert.throws(() => key.forWriting(false), refused(/is in the data folder/), file);
    }
    assert.deepEqual(readdirSync(data), []);
    new SecretKey({ file: join(folder, "database", "k") }, data).forWriting(false);
  });

  it("is refused in words if its file cannot be used", () => {
    const file = join(folder, "secrets.key");
    writeFileSync(file, "not a key");
    assert.throws(() => new SecretKey({ file }, data).forReading(), refused(/has no key of 32 bytes/));
    const below = { file: join(file, "k") };
    assert.throws(() => new SecretKey(below, data).forWriting(false), refused(/cannot be (read|created)/));
    chmodSync(file, 0o600);
  });
});
