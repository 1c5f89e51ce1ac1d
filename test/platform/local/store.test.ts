import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Store } from "../../../platform/local/store.ts";
import type { Version } from "../../../platform/platform.ts";
import { draftOf } from "../../support/draft.ts";

function versionOf(name: string, version: number): Version {
  return {
    ...draftOf(name, `// ${version}`, { env: { N: String(version) } }),
    version,
    createdAt: new Date(version),
  };
}

describe("the store", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-store-"));
    file = join(folder, "skiff.db");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function using<T>(use: (store: Store) => T): T {
    const store = new Store(file);
    try {
      return use(store);
    } finally {
      store.close();
    }
  }

  it("gives back every field of a version after it was opened again", () => {
    const version = versionOf("a", 1);
    using((store) => store.publish(version, 20));
    const read = using((store) => store.read("a", 1))!;
    const source = { ...read.source, bytes: new Uint8Array(read.source.bytes) };
    assert.deepEqual({ ...read, source }, version);
  });

  it("has functions in order of name with their current version and the time of their creation", () => {
    using((store) => {
      for (const [name, version] of [
        ["b", 1],
        ["a", 2],
        ["a", 3],
      ] as const) {
        store.publish(versionOf(name, version), 20);
      }
      assert.deepEqual(
        store
          .functions()
          .map(({ createdAt, current }) => [current.name, current.version, createdAt.getTime()]),
        [
          ["a", 3, 2],
          ["b", 1, 1],
        ],
      );
      assert.deepEqual(
        store.versions("a").map(({ version, settings }) => [version, settings.env.N]),
        [
          [2, "2"],
          [3, "3"],
        ],
      );
    });
  });

  it("forgets all but the newest versions", () => {
    using((store) => {
      for (let version = 1; version <= 5; version++) store.publish(versionOf("a", version), 2);
      assert.deepEqual(
        store.versions("a").map(({ version }) => version),
        [4, 5],
      );
      assert.equal(store.read("a", 3), undefined);
    });
  });

  it("removes a function with all its versions, and no other", () => {
    using((store) => {
      for (const name of ["a", "b"]) store.publish(versionOf(name, 1), 20);
      store.remove("a");
      store.remove("never-was");
      assert.deepEqual(store.versions("a"), []);
      assert.equal(store.functions().length, 1);
    });
  });

  it("changes nothing when it cannot publish", () => {
    using((store) => {
      store.publish(versionOf("a", 1), 20);
      assert.throws(() => store.publish(versionOf("a", 1), 20), /UNIQUE/);
      store.publish(versionOf("a", 2), 20);
      assert.equal(store.functions()[0]?.current.version, 2);
    });
  });

  it("has what was published before the process was killed", async () => {
    const program = `
      import { Store } from ${JSON.stringify(new URL("../../../platform/local/store.ts", import.meta.url).href)};
      const store = new Store(${JSON.stringify(file)});
      store.publish(${JSON.stringify({
        ...versionOf("a", 1),
        source: { type: "text/typescript" },
        bundle: {},
      })
        .replace('"source":{', '"source":{"bytes":new Uint8Array([1]),')
        .replace('"bundle":{', '"bundle":{"code":new Uint8Array([1])')
        .replace(/"createdAt":"[^"]*"/, '"createdAt":new Date(1)')}, 20);
      console.log("published");
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(child, "close");
    await once(child.stdout, "data");
    assert.throws(() => new Store(file), { message: /is in use by another Skiff; stop it/ });
    child.kill("SIGKILL");
    await closed;
    assert.equal(using((store) => store.read("a", 1))?.settings.env.N, "1");
  });

  it("is not opened when a newer Skiff wrote it, and stays as it was", () => {
    const db = new DatabaseSync(file);
    db.exec("PRAGMA user_version = 2");
    db.close();
    for (let i = 0; i < 2; i++) {
      assert.throws(() => new Store(file), {
        message: `${file} was written by a newer Skiff (schema 2); start that one.`,
      });
    }
  });

  it("says what is wrong with a file that is no database", () => {
    writeFileSync(file, "this is no database at all, but long enough to look at".repeat(20));
    assert.throws(() => new Store(file), { message: /cannot be used: file is not a database; restore it/ });
  });
});
