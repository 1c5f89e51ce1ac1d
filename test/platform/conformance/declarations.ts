import assert from "node:assert/strict";
import type { Declarations, Declared } from "../../../platform/declarations.ts";
import { eventually } from "../../support/eventually.ts";

/** The kinds of the suite: none of an installation, so that a cluster may have both. */
export const KINDS = { Note: "notes", Memo: "memos" };

export interface OpenDeclarations {
  readonly declarations: Declarations;
  /** What was logged for people. */
  printed(): string;
  close(): Promise<void>;
}

/** What the suite has to know about an implementation besides the seam. */
export interface DeclarationsHarness {
  /** State outlives `close`. */
  readonly isDurable: boolean;
  /** With `KINDS`, on new state. */
  open(): Promise<OpenDeclarations>;
  /** Somebody else on the same state: another process, where there may be one. */
  beside(opened: OpenDeclarations): Promise<Declarations>;
  /** On the state of one that is closed; for those that are durable. */
  reopen(opened: OpenDeclarations): Promise<OpenDeclarations>;
}

const SPEC = { text: "ü€😀", list: [1, 2.5, { deep: true }], empty: {}, none: [], "a key": "", negative: -1 };
const LIMIT_BYTES = 256 * 1024;

/** Registers the tests of everything that platform/declarations.ts promises, for one implementation. */
export function declarationsConformance(title: string, harness: DeclarationsHarness): void {
  describe(`${title} as a place of declarations`, () => {
    let opened: OpenDeclarations;
    let declarations: Declarations;
    before(async () => {
      opened = await harness.open();
      declarations = opened.declarations;
    });
    after(() => opened.close());

    const note = (name: string, n: number | string, ifRevision?: string | null) =>
      declarations.put("Note", name, { spec: { n }, ifRevision });
    const remove = (name: string, ifRevision?: string) => declarations.remove("Note", name, { ifRevision });
    const read = async (name: string) => (await declarations.get("Note", name))?.spec.n;
    const names = async (limit: number, after?: string) =>
      (await declarations.list("Memo", { limit, after })).map(({ name }) => name);

    it("give back every field of what was put", async () => {
      const put = await declarations.put("Note", "fields", { spec: SPEC });
      assert.deepEqual([put.kind, put.name, put.spec], ["Note", "fields", SPEC]);
      assert.notEqual(put.revision, "");
      assert.ok(put.createdAt.getTime() > 0 && put.updatedAt >= put.createdAt);
      assert.deepEqual(await declarations.get("Note", "fields"), put);
      assert.deepEqual(await declarations.list("Note", { after: "fieldr", limit: 1 }), [put]);
    });

    it("replace the whole spec, with another revision and the time of the creation", async () => {
      const first = await declarations.put("Note", "whole", { spec: { a: 1, b: { c: 2, d: 3 } } });
      const second = await declarations.put("Note", "whole", { spec: { b: { c: 2 } } });
      assert.deepEqual(second.spec, { b: { c: 2 } });
      assert.notEqual(second.revision, first.revision);
      assert.deepEqual(second.createdAt, first.createdAt);
      assert.ok(second.updatedAt >= first.updatedAt);
      assert.deepEqual(await declarations.get("Note", "whole"), second);
    });

    it("keep the revision where the spec is the same", async () => {
      const first = await declarations.put("Note", "same", { spec: { a: 1, b: [{ c: 2, d: 3 }] } });
      const again = { spec: { b: [{ d: 3, c: 2 }], a: 1 } };
      assert.deepEqual(await declarations.put("Note", "same", again), first);
      const { revision: ifRevision } = first;
      assert.deepEqual(await declarations.put("Note", "same", { ...again, ifRevision }), first);
    });

    it("have nothing of what is unknown or was removed", async () => {
      await note("gone", 1);
      assert.equal(await remove("gone"), true);
      for (const name of ["gone", "never-was"]) {
        assert.equal(await declarations.get("Note", name), undefined);
        assert.equal(await remove(name), false);
      }
      assert.equal(await declarations.get("Memo", "fields"), undefined, "of another kind");
    });

    it("list by page in order of name, each kind by itself", async () => {
      const all = ["b", "a-b", "a", "b1", "a0"];
      assert.deepEqual(await names(10), []);
      await Promise.all(all.map((name) => declarations.put("Memo", name, { spec: { name } })));
      assert.deepEqual(await names(10), ["a", "a-b", "a0", "b", "b1"]);
      assert.deepEqual(await names(2), ["a", "a-b"]);
      assert.deepEqual(await names(2, "a-b"), ["a0", "b"]);
      assert.deepEqual(await names(10, "a1"), ["b", "b1"], "after a name that does not exist");
      assert.deepEqual(await names(2, "b1"), []);
    });

    it("change what has the revision that is demanded, and nothing else", async () => {
      const first = await note("checked", 1, null);
      const second = await note("checked", 2, first.revision);
      const exists = { code: "precondition_failed", detail: /^Note "checked" exists already/ };
      await assert.rejects(note("checked", 3, null), exists);
      for (const wrong of [first.revision, "", "0", "none", `${second.revision}0`, "9".repeat(30)]) {
        const other = { code: "precondition_failed", detail: /^Note "checked" does not have the revision/ };
        await assert.rejects(note("checked", 3, wrong), other, wrong);
        await assert.rejects(note("checked", 2, wrong), other, `${wrong}, the same spec`);
        await assert.rejects(remove("checked", wrong), other, wrong);
      }
      assert.deepEqual(await declarations.get("Note", "checked"), second);
      assert.equal(await remove("checked", second.revision), true);
      const gone = { code: "precondition_failed" };
      await assert.rejects(note("checked", 3, second.revision), gone);
      await assert.rejects(remove("checked", second.revision), gone);
      assert.equal(await declarations.get("Note", "checked"), undefined);
    });

    it("give no revision again to what is removed and made anew", async () => {
      const revisions = new Set<string>();
      for (let i = 0; i < 5; i++) {
        revisions.add((await note("anew", 1)).revision);
        await remove("anew");
      }
      assert.equal(revisions.size, 5);
    });

    it("let one of several win that demand the same", async () => {
      const other = await harness.beside(opened);
      const put = (n: number, ifRevision?: string | null) =>
        (n % 2 === 0 ? declarations : other).put("Note", "raced", { spec: { n }, ifRevision });
      const race = async (ifRevision: string | null) => {
        const results = await Promise.allSettled([1, 2, 3, 4, 5, 6].map((n) => put(n, ifRevision)));
        const won = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
        const codes = results.flatMap((result) => (result.status === "rejected" ? [result.reason.code] : []));
        assert.deepEqual(codes, Array(5).fill("precondition_failed"));
        assert.deepEqual(await declarations.get("Note", "raced"), won[0]);
        return won[0]!.revision;
      };
      const made = await race(null);
      await put(0);
      await put(7);
      await race((await declarations.get("Note", "raced"))!.revision);
      await assert.rejects(put(8, made), { code: "precondition_failed" });
      const all = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => put(n)));
      const last = await declarations.get("Note", "raced");
      assert.ok(all.some(({ revision }) => revision === last?.revision));
    });

    describe("show a listener", () => {
      let stops: (() => void)[];
      beforeEach(() => {
        stops = [];
      });
      afterEach(() => {
        for (const stop of stops) stop();
      });

      /** The changes of names with this prefix, as they are reported. */
      function watched(prefix: string, from = declarations): [string, unknown][] {
        const seen: [string, unknown][] = [];
        const listener = (name: string, declared: Declared | undefined) => {
          if (name.startsWith(prefix)) seen.push([name, declared?.spec.n]);
        };
        stops.push(from.watch("Note", listener));
        return seen;
      }
      const sees = (seen: [string, unknown][], expected: [string, unknown][]) =>
        eventually(`it sees ${JSON.stringify(expected)}`, () => seen.length >= expected.length)
          .then(() => assert.deepEqual(seen, expected))
          .catch((error: Error) => assert.deepEqual(seen, expected, error.message));

      it("what there is, then changes in order, whoever makes them", async () => {
        await note("seen-a", 1);
        await note("seen-b", 1);
        const other = await harness.beside(opened);
        const [mine, others] = [watched("seen-"), watched("seen-", other)];
        const expected: [string, unknown][] = [
          ["seen-a", 1],
          ["seen-b", 1],
        ];
        assert.deepEqual(mine, [], "nothing before watch has returned");
        for (const seen of [mine, others]) await sees(seen, expected);
        await note("seen-a", 2);
        await other.put("Note", "seen-c", { spec: { n: 1 } });
        await declarations.put("Memo", "seen-d", { spec: { n: 1 } });
        await other.put("Note", "seen-a", { spec: { n: 3 } });
        await note("seen-a", 3);
        await assert.rejects(note("seen-a", 4, null), { code: "precondition_failed" });
        await remove("seen-e");
        await remove("seen-b");
        await other.remove("Note", "seen-c");
        await note("seen-b", 9);
        expected.push(["seen-a", 2], ["seen-c", 1], ["seen-a", 3]);
        expected.push(["seen-b", undefined], ["seen-c", undefined], ["seen-b", 9]);
        for (const seen of [mine, others]) await sees(seen, expected);
      });

      it("declarations with all their fields", async () => {
        const put = await declarations.put("Note", "entire", { spec: SPEC });
        let found: Declared | undefined;
        stops.push(
          declarations.watch("Note", (name, declared) => {
            if (name === "entire") found = declared;
          }),
        );
        await eventually("it is shown", () => found !== undefined);
        assert.deepEqual(found, put);
      });

      it("every last state, whenever it began", async () => {
        const all: [string, unknown][][] = [];
        for (let n = 1; n <= 20; n++) {
          const put = note("counted", n);
          all.push(watched("counted"));
          await put;
        }
        await remove("counted");
        await note("counted", 21);
        for (const seen of all) {
          await eventually("it sees the last one", () => seen.at(-1)?.[1] === 21);
          const numbers = seen.flatMap(([, n]) => (n === undefined ? [] : [n as number]));
          assert.deepEqual(
            numbers,
            [...new Set(numbers)].sort((a, b) => a - b),
            "each once, in order",
          );
        }
      });

      it("nothing after it has stopped", async () => {
        const [before, other] = [watched("stopped"), watched("stopped")];
        stops.shift()!();
        await note("stopped-a", 1);
        await note("stopped-b", 1);
        let calls = 0;
        const stop = declarations.watch("Note", (name) => {
          if (!name.startsWith("stopped")) return;
          calls++;
          stop();
        });
        stops.push(stop);
        await eventually("it was called", () => calls > 0);
        await note("stopped-a", 2);
        await remove("stopped-a");
        await sees(other, [
          ["stopped-a", 1],
          ["stopped-b", 1],
          ["stopped-a", 2],
          ["stopped-a", undefined],
        ]);
        assert.deepEqual([before, calls], [[], 1], "not even the rest of what there was");
      });

      it("of many nothing less where one throws", async () => {
        stops.push(
          declarations.watch("Note", (name) => {
            if (name.startsWith("thrown")) throw new Error(`no ${name}`);
          }),
        );
        await note("thrown-at", 1);
        const seen = watched("thrown");
        await sees(seen, [["thrown-at", 1]]);
        await note("thrown-at", 2);
        await note("thrown-too", 1);
        await sees(seen, [
          ["thrown-at", 1],
          ["thrown-at", 2],
          ["thrown-too", 1],
        ]);
        for (const name of ["thrown-at", "thrown-too"]) {
          const line = `a listener failed at a change of Note "${name}": no ${name}`;
          await eventually(`"${line}" is logged`, () => opened.printed().includes(line));
        }
      });
    });

    it("refuse a spec over the limit, and name it", async () => {
      const of = (bytes: number) => ({ n: "x".repeat(bytes - '{"n":""}'.length) });
      const put = (spec: object) => declarations.put("Note", "large", { spec });
      await put(of(LIMIT_BYTES));
      await assert.rejects(put(of(LIMIT_BYTES + 1)), {
        code: "invalid_declaration",
        detail: /has 262145 bytes of JSON and may have 262144: .* raise SKIFF_MAX_SPEC/,
        extensions: { setting: "SKIFF_MAX_SPEC" },
      });
      await assert.rejects(put({ n: "€".repeat(LIMIT_BYTES / 3) }), { code: "invalid_declaration" });
      assert.equal(((await read("large")) as string).length, LIMIT_BYTES - 8);
    });

    it("take names of up to 63 characters, and refuse those that are none", async () => {
      for (const name of ["a", "a--b1", "a".repeat(63)]) {
        await note(name, 1);
        assert.equal(await read(name), 1);
      }
      const wrong = ["", "A", "1a", "-a", "a-", "a_b", "a.b", "a/b", "../a", "a\n", "ä", "a".repeat(64)];
      for (const name of wrong) {
        const refused = { code: "invalid_name", detail: /is not a valid name of a Note: use 1 to 63/ };
        await assert.rejects(note(name, 1), refused, name);
        await assert.rejects(declarations.get("Note", name), refused, name);
        await assert.rejects(remove(name), refused, name);
      }
    });

    it("refuse a kind that there is not, and name those that there are", async () => {
      const refused = { message: /^Unknown kind of declarations "\w+": use one of Note, Memo\.$/ };
      for (const kind of ["Nothing", "notes", "constructor"]) {
        await assert.rejects(declarations.put(kind, "a", { spec: {} }), refused);
        await assert.rejects(declarations.get(kind, "a"), refused);
        await assert.rejects(declarations.list(kind, { limit: 1 }), refused);
        await assert.rejects(declarations.remove(kind, "a"), refused);
        assert.throws(() => declarations.watch(kind, () => {}), refused);
      }
    });

    it("end with their platform, and outlive it where they are durable", async () => {
      const closed = await harness.open();
      const put = await closed.declarations.put("Note", "kept", { spec: SPEC });
      closed.declarations.watch("Note", () => {});
      await closed.close();
      const draining = { code: "draining" };
      await assert.rejects(closed.declarations.put("Note", "late", { spec: {} }), draining);
      await assert.rejects(closed.declarations.get("Note", "kept"), draining);
      await assert.rejects(closed.declarations.list("Note", { limit: 1 }), draining);
      await assert.rejects(closed.declarations.remove("Note", "kept"), draining);
      assert.throws(() => closed.declarations.watch("Note", () => {}), draining);
      if (!harness.isDurable) return;
      const again = await harness.reopen(closed);
      try {
        assert.deepEqual(await again.declarations.list("Note", { limit: 10 }), [put]);
        const { revision: ifRevision } = put;
        const next = await again.declarations.put("Note", "kept", { spec: {}, ifRevision });
        assert.notEqual(next.revision, put.revision);
      } finally {
        await again.close();
      }
    });
  });
}
