import assert from "node:assert/strict";
import { HISTORY_DAYS } from "../../../store/sql/retention.ts";
import type { AuditEntry, AuditQuery } from "../../../store/store.ts";
import type { Harness, History } from "./subject.ts";

const NOON = new Date("2026-05-31T12:00:00.123Z");
const at = (seconds: number) => new Date(NOON.getTime() + seconds * 1_000);

function entry(of: Partial<AuditEntry> = {}): AuditEntry {
  return {
    at: NOON,
    by: "token",
    from: "127.0.0.1",
    action: "deploy",
    target: "hello",
    status: 201,
    detail: "version 1",
    callId: "00000000-0000-4000-8000-000000000000",
    ...of,
  };
}

/** Registers the tests of AuditLog. */
export function audit(harness: Harness<History>): void {
  describe("audit", () => {
    let store: History;
    beforeEach(async () => {
      store = await harness.open();
    });
    afterEach(() => harness.dispose());

    const append = async (...entries: Partial<AuditEntry>[]) => {
      for (const each of entries) await store.audit.append(entry(each));
    };
    const list = (query: Partial<AuditQuery> = {}) => store.audit.list({ limit: 100, ...query });
    const targets = async (query?: Partial<AuditQuery>) => (await list(query)).map(({ target }) => target);

    it("has whole entries, newest first", async () => {
      await append({ target: "a", detail: "naïve 🚤" }, { target: "b", at: at(1) });
      const [second, first] = await list();
      const { id, ...rest } = first!;
      assert.match(id, /^\d+$/);
      assert.deepEqual(rest, entry({ target: "a", detail: "naïve 🚤" }));
      assert.equal(second!.target, "b");
    });

    it("takes text of every kind", async () => {
      await append({ target: "a\0b", by: "'; DROP TABLE audit; --" });
      assert.equal((await list({ search: "DROP TABLE" })).length, 1);
    });

    it("is listed page by page, without gaps while entries are added", async () => {
      await append({ target: "a" }, { target: "b" }, { target: "c" });
      const [c, b] = await list({ limit: 2 });
      await append({ target: "d" });
      assert.deepEqual([c!.target, b!.target], ["c", "b"]);
      assert.deepEqual(await targets({ after: b!.id }), ["a"]);
    });

    it("is filtered by time: since, included, until, excluded", async () => {
      await append({ target: "a" }, { target: "b", at: at(1) }, { target: "c", at: at(2) });
      assert.deepEqual(await targets({ since: at(1) }), ["c", "b"]);
      assert.deepEqual(await targets({ until: at(1) }), ["a"]);
      assert.deepEqual(await targets({ since: at(1), until: at(2) }), ["b"]);
    });

    it("is searched by part of `by` or of `target`, as plain text without regard to case", async () => {
      await append(
        { target: "hello", by: "key CI-deploy (k1a2b3)" },
        { target: "secret/db_password" },
        { target: "100%" },
      );
      assert.deepEqual(await targets({ search: "ci-DEPLOY" }), ["hello"]);
      assert.deepEqual(await targets({ search: "b_p" }), ["secret/db_password"]);
      assert.deepEqual(await targets({ search: "%" }), ["100%"]);
      assert.deepEqual(await targets({ search: "\\" }), []);
      assert.deepEqual(await targets({ search: "_" }), ["secret/db_password"]);
    });

    it("is filtered by exactly one action on one target", async () => {
      await append(
        ...[{ action: "guard", target: "hello" }, { action: "deploy" }],
        ...[
          { action: "guard", target: "hello-2" },
          { action: "guard", target: "Hello" },
        ],
      );
      const found = await list({ of: { action: "guard", target: "hello" } });
      assert.deepEqual(
        found.map(({ action, target }) => [action, target]),
        [["guard", "hello"]],
      );
    });

    it("refuses a cursor that is no id", async () => {
      const error = { code: "invalid_request", detail: /The cursor "1; x" is not the id/ };
      await assert.rejects(list({ after: "1; x" }), error);
    });

    it("has every acknowledged entry after it was opened again", async () => {
      await Promise.all(Array.from({ length: 50 }, (_, index) => append({ target: `t${index}` })));
      const other = await harness.reopen(store);
      assert.equal((await other.audit.list({ limit: 100 })).length, 50);
    });

    it(`is removed after ${HISTORY_DAYS} days`, async () => {
      await append({ target: "old" }, { target: "new", at: at(86_400) });
      assert.equal(await store.removeOld(at(HISTORY_DAYS * 86_400 + 60)), true);
      assert.equal(await store.removeOld(at(HISTORY_DAYS * 86_400 + 60)), false);
      assert.deepEqual(await targets(), ["new"]);
    });

    it("answers `draining` once it is closed", async () => {
      await store.close();
      await assert.rejects(append({}), { code: "draining" });
    });
  });
}
