import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { Store } from "../../../../platform/local/store/store.ts";
import type { WholeVersion } from "../../../../platform/local/store/store-database.ts";
import { longestBusyMs } from "../../../support/instances/busy-time.ts";
import { draftOf } from "../../../support/platform/draft.ts";

/** What Skiff 0.1.0 left when it was killed: `greet` with two versions, and `other`. */
const OLD = new URL("./data-folder-0.1.0/", import.meta.url);
const MIB = 1024 ** 2;
/** Nothing that a source can contain may keep calls waiting for longer. */
const BUSY_MS = 20;

function versionOf(name: string, version: number): WholeVersion {
  const {
    content,
    sourceHash: _,
    ...draft
  } = draftOf(name, `// ${version}`, { env: { N: String(version) } });
  return {
    ...draft,
    ...content,
    version,
    createdAt: new Date(version),
  };
}

/** Text that is nowhere else: in the source, the settings and the bundle. */
function versionWith(marker: string, version = 1): WholeVersion {
  const {
    content,
    sourceHash: _,
    ...draft
  } = draftOf("a", `// ${marker} `.repeat(5_000), { env: { N: marker } });
  return {
    ...draft,
    ...content,
    version,
    createdAt: new Date(),
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

  async function using<T>(use: (store: Store) => Promise<T>): Promise<T> {
    const store = await Store.open(file);
    try {
      await store.prepare();
      return await use(store);
    } finally {
      await store.close();
    }
  }

  /** Names of the files that have it. */
  function filesWith(text: string): string[] {
    return readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(text));
  }

  it("gives back every field of a version after it was opened again", async () => {
    const version = versionOf("a", 1);
    await using((store) => store.publish(version, 20));
    const read = await using((store) => store.read("a", 1));
    assert.deepEqual(read, version);
  });

  it("leaves the bytes of whoever publishes where they are", async () => {
    const version = versionOf("a", 1);
    await using((store) => store.publish(version, 20));
    assert.deepEqual(version, versionOf("a", 1));
  });

  it("has functions in order of name with their current version and the time of their creation", async () => {
    await using(async (store) => {
      for (const [name, version] of [
        ["b", 1],
        ["a", 2],
        ["a", 3],
      ] as const) {
        await store.publish(versionOf(name, version), 20);
      }
      assert.deepEqual(
        (await store.functions()).map(({ createdAt, current }) => [
          current.name,
          current.version,
          createdAt.getTime(),
        ]),
        [
          ["a", 3, 2],
          ["b", 1, 1],
        ],
      );
      assert.deepEqual(
        (await store.versions("a")).map(({ version, settings }) => [version, settings.env.N]),
        [
          [2, "2"],
          [3, "3"],
        ],
      );
    });
  });

  it("forgets all but the newest versions", async () => {
    await using(async (store) => {
      for (let version = 1; version <= 5; version++) await store.publish(versionOf("a", version), 2);
      assert.deepEqual(
        (await store.versions("a")).map(({ version }) => version),
        [4, 5],
      );
      assert.equal(await store.read("a", 3), undefined);
    });
  });

  it("removes a function with all its versions, and no other", async () => {
    await using(async (store) => {
      for (const name of ["a", "b"]) await store.publish(versionOf(name, 1), 20);
      await store.remove("a");
      await store.remove("never-was");
      assert.deepEqual(await store.versions("a"), []);
      assert.equal((await store.functions()).length, 1);
    });
  });

  it("changes nothing when it cannot publish", async () => {
    await using(async (store) => {
      await store.publish(versionOf("a", 1), 20);
      await assert.rejects(store.publish(versionOf("a", 1), 20), /UNIQUE/);
      await store.publish(versionOf("a", 2), 20);
      assert.equal((await store.functions())[0]?.current.version, 2);
    });
  });

  it("keeps nothing readable of what was removed, or was never stored", async () => {
    await using(async (store) => {
      await store.publish(versionWith("first-marker"), 20);
      assert.equal(filesWith("first-marker").length, 1);
      await store.publish(versionWith("second-marker", 2), 1);
      assert.deepEqual(filesWith("first-marker"), []);
      await assert.rejects(store.publish(versionWith("third-marker", 2), 20), /UNIQUE/);
      await store.remove("a");
      assert.deepEqual(filesWith("second-marker"), []);
      assert.deepEqual(filesWith("third-marker"), []);
    });
  });

  it("writes and reads the largest versions without keeping this thread from its work", async () => {
    const text = new Uint8Array(80 * MIB).fill(120);
    const source = { bytes: text.subarray(0, 20 * MIB), type: "text/typescript" as const };
    const large = { ...versionOf("a", 1), source, bundle: { code: text } };
    await using(async (store) => {
      let read: WholeVersion | undefined;
      const busyMs = await longestBusyMs(async () => {
        await store.publish(large, 20);
        read = await store.read("a", 1);
        await store.remove("a");
      });
      assert.ok(busyMs < BUSY_MS, `busy for ${busyMs} ms`);
      assert.equal(Buffer.compare(read!.bundle.code, text), 0);
    });
  });

  it("has what was published before the process was killed", async () => {
    const program = `
      import { Store } from ${JSON.stringify(new URL("../../../../platform/local/store/store.ts", import.meta.url).href)};
      import { draftOf } from ${JSON.stringify(new URL("../../../support/platform/draft.ts", import.meta.url).href)};
      const store = await Store.open(${JSON.stringify(file)});
      await store.prepare();
      const { content, ...draft } = draftOf("a", "// 1", { env: { N: "1" } });
      await store.publish({ ...draft, ...content, version: 1, createdAt: new Date(1) }, 20);
      console.log("published");`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(child, "close");
    await once(child.stdout, "data");
    await assert.rejects(Store.open(file), { message: /is in use by another Skiff; stop it/ });
    child.kill("SIGKILL");
    await closed;
    assert.equal((await using((store) => store.read("a", 1)))?.settings.env.N, "1");
  });

  it("opens what the version before left behind, and goes on with it", async () => {
    for (const name of ["skiff.db", "skiff.db-wal"]) {
      writeFileSync(join(folder, name), gunzipSync(readFileSync(new URL(`${name}.gz`, OLD))));
    }
    await using(async (store) => {
      const functions = (await store.functions()).map(({ current }) => `${current.name} ${current.version}`);
      assert.deepEqual(functions, ["greet 2", "other 1"]);
      const greet = await store.read("greet", 2);
      assert.deepEqual(greet?.settings.env, { WHO: "world" });
      const code = `export default () => \`two, \${Deno.env.get('WHO')} ü€😀\`;\n`;
      assert.equal(new TextDecoder().decode(greet?.bundle.code), code);
      assert.equal(new TextDecoder().decode(greet?.source.bytes), code);
      await store.publish(versionOf("greet", 3), 1);
      await store.remove("other");
    });
    for (const text of ["two, ", "'one'", "'other'"]) assert.deepEqual(filesWith(text), []);
  });

  it("is not opened when a newer Skiff wrote it, and stays as it was", async () => {
    const db = new DatabaseSync(file);
    db.exec("PRAGMA user_version = 2");
    db.close();
    for (let i = 0; i < 2; i++) {
      await assert.rejects(Store.open(file), {
        message: `${file} was written by a newer Skiff (schema 2); start that one.`,
      });
    }
  });

  it("says what is wrong with a file that is no database", async () => {
    writeFileSync(file, "this is no database at all, but long enough to look at".repeat(20));
    await assert.rejects(Store.open(file), {
      message: /cannot be used: file is not a database; restore it/,
    });
  });

  it("finishes what was asked for before it is closed, and says so to those who ask later", async () => {
    const store = await Store.open(file);
    await store.prepare();
    const [asked] = await Promise.all([store.functions(), store.close()]);
    assert.deepEqual(asked, []);
    await assert.rejects(store.functions(), { message: "the store is closed" });
  });
});
