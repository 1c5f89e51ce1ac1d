import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { MIGRATIONS } from "../../../../platform/local/store/migrations.ts";
import { Store } from "../../../../platform/local/store/store.ts";
import type { NewVersion } from "../../../../platform/local/store/version-rows.ts";
import type { Artifact, Content, Traffic } from "../../../../platform/platform.ts";
import { sourceHash } from "../../../../platform/version-hash.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { longestBusyMs } from "../../../support/processor/busy-time.ts";

/** What Skiff 0.1.0 left when it was killed: `greet` with two versions, and `other`. */
const OLD = new URL("./data-folder-0.1.0/", import.meta.url);
const MIB = 1024 ** 2;
const NEVER = new AbortController().signal;

type Posted = NewVersion & { readonly content: Content };

function versionOf(name: string, version: number): Posted {
  const draft = draftOf(name, `// ${version}`, { env: { N: String(version) } });
  return { ...draft, version, createdAt: new Date(version), ...noted(draft) };
}

function noted({ content }: { readonly content: Content }) {
  return {
    note: { by: "somebody", message: "why" },
    sourceBytes: content.source.bytes.length,
    pinned: false,
  };
}

function routeOf(traffic: Traffic) {
  return { traffic, whole: traffic.map(({ version }) => version), rules: {} };
}

/** Text that is nowhere else: in the source, the settings and the bundle. */
function versionWith(marker: string, version = 1): Posted {
  const draft = draftOf("a", `// ${marker} `.repeat(5_000), { env: { N: marker } });
  return { ...draft, version, createdAt: new Date(), ...noted(draft) };
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

  const add = (store: Store, version: NewVersion, forget: readonly number[] = []) =>
    store.add(version, NEVER, () => forget);
  const numbers = async (store: Store, name: string) =>
    (await store.versions(name)).map(({ version }) => version);

  it("gives back every field of a version after it was opened again", async () => {
    const version = versionOf("a", 1);
    await using((store) => add(store, version));
    await using(async (store) => {
      const { content, ...record } = version;
      assert.deepEqual(await store.version("a", 1), record);
      assert.deepEqual(await store.versions("a"), [record]);
      assert.deepEqual(await store.source("a", 1), content.source);
      assert.deepEqual(await store.bundle("a", 1), content.artifact);
    });
  });

  it("has nothing of a version that was not stored", async () => {
    await using(async (store) => {
      await add(store, versionOf("a", 1));
      for (const [name, version] of [
        ["a", 2],
        ["b", 1],
      ] as const) {
        assert.equal(await store.version(name, version), undefined);
        assert.equal(await store.source(name, version), undefined);
        assert.equal(await store.bundle(name, version), undefined);
      }
    });
  });

  it("leaves the bytes of the caller where they are", async () => {
    const version = versionOf("a", 1);
    await using((store) => add(store, version));
    assert.deepEqual(version, versionOf("a", 1));
  });

  it("makes a version of the source and bundle of another one", async () => {
    await using(async (store) => {
      await add(store, versionOf("a", 1));
      const { sourceHash } = versionOf("a", 1);
      await add(store, { ...versionOf("a", 2), sourceHash, content: { sameAs: 1 } });
      assert.deepEqual(await store.source("a", 2), versionOf("a", 1).content.source);
      assert.deepEqual(await store.bundle("a", 2), versionOf("a", 1).content.artifact);
      assert.equal((await store.version("a", 2))?.settings.env.N, "2");
      const other = add(store, { ...versionOf("a", 3), content: { sameAs: 9 } });
      await assert.rejects(other, { message: "version 9 of a is not stored" });
      assert.deepEqual(await numbers(store, "a"), [1, 2]);
    });
  });

  it("has functions in order of name with their versions, their traffic and the time of their creation", async () => {
    await using(async (store) => {
      for (const [name, version] of [
        ["b", 1],
        ["a", 2],
        ["a", 3],
      ] as const) {
        await add(store, versionOf(name, version));
      }
      const traffic = [
        { version: 3, weight: 9 },
        { version: 2, weight: 1 },
      ];
      await store.route("a", routeOf(traffic), []);
      const [a, b, ...others] = await store.functions();
      assert.deepEqual(others, []);
      assert.deepEqual([a?.name, a?.createdAt.getTime(), a?.traffic], ["a", 2, traffic]);
      const callable = (version: number) => ({
        ...{ version, max: 10, concurrency: 100, timeoutMs: 60_000, memoryMiB: 128, hosts: [] },
        ...{ access: "public", quota: {}, cron: [], retry: {}, pinned: false },
      });
      assert.deepEqual(a?.versions, [callable(2), callable(3)]);
      const { content: _, ...second } = versionOf("a", 2);
      assert.deepEqual(
        a.routed.find(({ version }) => version === 2),
        second,
      );
      assert.equal(a.routed.length, 2);
      assert.deepEqual([b?.name, b?.traffic, b?.versions, b?.routed], ["b", [], [callable(1)], []]);
    });
  });

  it("replaces the traffic as a whole, and knows none after its function", async () => {
    await using(async (store) => {
      for (const version of [1, 2]) await add(store, versionOf("a", version));
      await store.route("a", routeOf([{ version: 1, weight: 1 }]), []);
      await store.route("a", routeOf([{ version: 2, weight: 3 }]), []);
      assert.deepEqual((await store.functions())[0]?.traffic, [{ version: 2, weight: 3 }]);
      await store.remove("a");
      await add(store, versionOf("a", 1));
      assert.deepEqual((await store.functions())[0]?.traffic, []);
    });
  });

  it("keeps the note, the size of the source and the pin of a version, and the history and rules of a route", async () => {
    const commit = "0".repeat(40);
    const rules = { sticky: { cookie: "id" }, guard: { calls: 100, errorRate: 0.05 } };
    await using(async (store) => {
      const noted = { ...versionOf("a", 1), note: { by: "token", message: "why", commit } };
      await add(store, noted);
      await add(store, { ...noted, version: 2, content: { sameAs: 1 } });
      assert.equal(await store.pin("a", 1, true), true);
      assert.equal(await store.pin("a", 9, true), false);
      await store.route("a", { traffic: [{ version: 2, weight: 1 }], whole: [1, 2], rules }, []);
    });
    await using(async (store) => {
      const [first, second] = await store.versions("a");
      assert.deepEqual(first?.note, { by: "token", message: "why", commit });
      assert.deepEqual([first.sourceBytes, first.pinned], [4, true]);
      assert.deepEqual([second?.sourceBytes, second?.pinned], [4, false]);
      const [a] = await store.functions();
      assert.deepEqual([a?.whole, a?.rules], [[1, 2], rules]);
      assert.deepEqual(
        a!.versions.map(({ pinned }) => pinned),
        [true, false],
      );
    });
  });

  it("forgets the versions that it is told to, and none that takes calls", async () => {
    await using(async (store) => {
      for (const version of [1, 2, 3]) await add(store, versionOf("a", version));
      await store.route("a", routeOf([{ version: 2, weight: 1 }]), [1]);
      assert.deepEqual(await numbers(store, "a"), [2, 3]);
      await assert.rejects(add(store, versionOf("a", 4), [2]), /FOREIGN KEY/);
      await assert.rejects(store.route("a", routeOf([{ version: 1, weight: 1 }]), []), /FOREIGN KEY/);
      assert.deepEqual(await numbers(store, "a"), [2, 3]);
      assert.deepEqual((await store.functions())[0]?.traffic, [{ version: 2, weight: 1 }]);
      await add(store, versionOf("a", 4), [3]);
      assert.deepEqual(await numbers(store, "a"), [2, 4]);
    });
  });

  it("removes a function with all its versions, and no other", async () => {
    await using(async (store) => {
      for (const name of ["a", "b"]) {
        await add(store, versionOf(name, 1));
        await store.route(name, routeOf([{ version: 1, weight: 1 }]), []);
      }
      await store.remove("a");
      await store.remove("never-was");
      assert.deepEqual(await store.versions("a"), []);
      assert.equal((await store.functions()).length, 1);
    });
  });

  it("changes nothing when it cannot store", async () => {
    await using(async (store) => {
      await add(store, versionOf("a", 1));
      await assert.rejects(add(store, versionOf("a", 1), [1]), /UNIQUE/);
      await add(store, versionOf("a", 2));
      assert.deepEqual(await numbers(store, "a"), [1, 2]);
    });
  });

  it("stores nothing when its signal aborts while the bytes are copied", async () => {
    await using(async (store) => {
      const leaving = new AbortController();
      const code = new Uint8Array(20 * MIB);
      const version = versionOf("a", 1);
      const content = { ...version.content, artifact: { kind: "module" as const, code } };
      const forget = () => assert.fail("asked for versions to forget");
      const added = store.add({ ...version, content }, leaving.signal, forget);
      const reason = new Error("removed");
      leaving.abort(reason);
      await assert.rejects(added, reason);
      assert.deepEqual(await store.functions(), []);
    });
  });

  it("keeps nothing readable of what was removed, or was never stored", async () => {
    await using(async (store) => {
      await add(store, versionWith("first-marker"));
      assert.equal(filesWith("first-marker").length, 1);
      await add(store, versionWith("second-marker", 2), [1]);
      assert.deepEqual(filesWith("first-marker"), []);
      await assert.rejects(add(store, versionWith("third-marker", 2)), /UNIQUE/);
      await store.remove("a");
      assert.deepEqual(filesWith("second-marker"), []);
      assert.deepEqual(filesWith("third-marker"), []);
    });
  });

  it("keeps nothing readable of the spec of a declaration that was replaced or removed", async () => {
    await using(async (store) => {
      const declare = (marker: string | undefined, ifRevision?: string) =>
        store.declare({
          kind: "Note",
          name: "a",
          ...(marker === undefined ? {} : { spec: JSON.stringify({ text: `${marker} `.repeat(5_000) }) }),
          ifRevision,
          at: new Date(),
        });
      await declare("first-marker");
      assert.equal(filesWith("first-marker").length, 1);
      const { left } = await declare("second-marker");
      assert.deepEqual([left, filesWith("first-marker")], [undefined, []]);
      assert.equal((await declare("third-marker", "9")).isAllowed, false);
      await declare(undefined);
      for (const marker of ["second-marker", "third-marker"]) assert.deepEqual(filesWith(marker), []);
      assert.deepEqual(await store.declarations("Note"), []);
    });
  });

  it("writes and reads large versions without keeping this thread from its work", async () => {
    const text = new Uint8Array(48 * MIB).fill(120);
    const source = { bytes: text.subarray(0, 12 * MIB), type: "text/typescript" as const };
    const large = {
      ...versionOf("a", 1),
      content: { source, artifact: { kind: "module" as const, code: text } },
    };
    await using(async (store) => {
      let read: Artifact | undefined;
      let busyMs = Number.POSITIVE_INFINITY;
      let wholeMs = busyMs;
      for (let n = 0; n < 5 && busyMs >= wholeMs / 3; n++) {
        const copying = longestBusyMs(async () => void new Uint8Array(text.length).set(text));
        wholeMs = Math.min(wholeMs, await copying);
        const storing = longestBusyMs(async () => {
          await add(store, large);
          read = await store.bundle("a", 1);
          await store.remove("a");
        });
        busyMs = Math.min(busyMs, await storing);
      }
      // 4 MiB are copied at once. The quickest time counts: the collector of garbage takes turns of its own.
      assert.ok(busyMs < wholeMs / 3, `busy for ${busyMs} ms, and for ${wholeMs} ms by one copy`);
      assert.equal(Buffer.compare(read!.code, text), 0);
    });
  });

  it("has what was stored before the process was killed", async () => {
    const program = `
      import { Store } from ${JSON.stringify(new URL("../../../../platform/local/store/store.ts", import.meta.url).href)};
      import { draftOf } from ${JSON.stringify(new URL("../../../support/platform/draft.ts", import.meta.url).href)};
      const store = await Store.open(${JSON.stringify(file)});
      await store.prepare();
      const draft = draftOf("a", "// 1", { env: { N: "1" } });
      const signal = new AbortController().signal;
      const record = { ...draft, version: 1, createdAt: new Date(1), note: { by: "somebody" }, pinned: false };
      await store.add(record, signal, () => []);
      console.log("stored");`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(child, "close");
    await once(child.stdout, "data");
    await assert.rejects(Store.open(file), { message: /is in use by another Skiff; stop it/ });
    child.kill("SIGKILL");
    await closed;
    assert.equal((await using((store) => store.version("a", 1)))?.settings.env.N, "1");
  });

  it("takes over what Skiff 0.1.0 left behind, with its traffic and the hashes of its sources", async () => {
    for (const name of ["skiff.db", "skiff.db-wal"]) {
      writeFileSync(join(folder, name), gunzipSync(readFileSync(new URL(`${name}.gz`, OLD))));
    }
    const describe = async (store: Store) =>
      (await store.functions()).map(({ name, traffic, versions, routed }) => ({
        name,
        traffic,
        versions: versions.map(({ version }) => version),
        routed: routed.map(({ version, hash }) => [version, hash.length]),
      }));
    const expected = [
      { name: "greet", traffic: [{ version: 2, weight: 1 }], versions: [1, 2], routed: [[2, 64]] },
      { name: "other", traffic: [{ version: 1, weight: 1 }], versions: [1], routed: [[1, 64]] },
    ];
    await using(async (store) => assert.deepEqual(await describe(store), expected));
    await using(async (store) => {
      assert.deepEqual(await describe(store), expected);
      for (const { name, version, sourceHash: hash } of await store.versions("greet")) {
        assert.equal(hash, await sourceHash((await store.source(name, version))!), `${name} ${version}`);
      }
      assert.deepEqual((await store.version("greet", 2))?.settings.env, { WHO: "world" });
      assert.deepEqual((await store.version("greet", 2))?.note, { by: "unknown" });
      const code = `export default () => \`two, \${Deno.env.get('WHO')} ü€😀\`;\n`;
      assert.equal(new TextDecoder().decode((await store.bundle("greet", 2))?.code), code);
      assert.equal(new TextDecoder().decode((await store.source("greet", 2))?.bytes), code);
      await add(store, versionOf("greet", 3), [1]);
      await store.route("greet", routeOf([{ version: 3, weight: 1 }]), [2]);
      await store.remove("other");
    });
    for (const text of ["two, ", "'one'", "'other'"]) assert.deepEqual(filesWith(text), []);
  });

  it("is not opened when a newer Skiff wrote it, and stays as it was", async () => {
    const db = new DatabaseSync(file);
    const newer = MIGRATIONS.length + 1;
    db.exec(`PRAGMA user_version = ${newer}`);
    db.close();
    for (let i = 0; i < 2; i++) {
      await assert.rejects(Store.open(file), {
        message: `${file} was written by a newer Skiff (schema ${newer}); start that version.`,
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
