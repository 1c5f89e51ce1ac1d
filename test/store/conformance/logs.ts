import assert from "node:assert/strict";
import type { LogLine } from "../../../platform/platform.ts";
import type { KeptLine, LogQuery, Store } from "../../../store/store.ts";
import { eventually } from "../../support/eventually.ts";
import type { Harness } from "./subject.ts";

export type Logs = Pick<Store, "logs" | "close">;

/** Recent, because lines are kept for days. */
const BASE = Date.now() - 3_600_000;
const at = (seconds: number) => new Date(BASE + seconds * 1_000);

const line = (text: string, of: Partial<LogLine> = {}): LogLine => ({
  at: at(0),
  instance: "hello-1",
  stream: "stdout",
  text,
  ...of,
});
const numbered = (from: number, to: number): LogLine[] =>
  Array.from({ length: to - from }, (_, index) => line(`line ${from + index}`, { at: at(from + index) }));

const texts = (lines: readonly LogLine[]) => lines.map(({ text }) => text);
const withoutId = ({ id, ...rest }: KeptLine): LogLine => rest;

/** Registers the tests of LogStore. */
export function logs(harness: Harness<Logs>): void {
  describe("logs", () => {
    let store: Logs;
    beforeEach(async () => {
      store = await harness.open();
    });
    afterEach(() => harness.dispose());

    const read = (query: LogQuery = {}, name = "hello") => Array.fromAsync(store.logs.read(name, query));
    const found = async (query: LogQuery) => texts(await read(query));

    it("are empty for a function without lines", async () => {
      assert.deepEqual(await read(), []);
      assert.deepEqual(await read({ tail: 10 }), []);
    });

    it("keep every member of a line, and text of every kind", async () => {
      const all = [
        line("two\nlines, \t naïve 🚤 \u001b[31m \0 \u2028 \ud800"),
        line("", { stream: "stderr" }),
        line("GET /x 500 in 12 ms", {
          stream: "call",
          version: 3,
          level: "error",
          callId: "c-1",
          status: 500,
        }),
        line("x".repeat(1_000_000), { stream: "platform", level: "debug" }),
      ];
      await store.logs.append("hello", all);
      assert.deepEqual((await read()).map(withoutId), all);
      const other = await harness.reopen(store);
      assert.deepEqual((await Array.fromAsync(other.logs.read("hello", {}))).map(withoutId), all);
    });

    it("are in order of the appends, oldest first, each with an id of its own", async () => {
      for (let from = 0; from < 1_000; from += 100)
        await store.logs.append("hello", numbered(from, from + 100));
      const lines = await read();
      assert.deepEqual(texts(lines), texts(numbered(0, 1_000)));
      assert.equal(new Set(lines.map(({ id }) => id)).size, 1_000);
    });

    it("take a batch of many lines", async () => {
      await store.logs.append("hello", numbered(0, 20_000));
      assert.equal((await read()).length, 20_000);
    });

    it("of functions are apart, and go with their function", async () => {
      await store.logs.append("hello", [line("a")]);
      await store.logs.append("hello-2", [line("b")]);
      assert.deepEqual(texts(await read()), ["a"]);
      await store.logs.forget("hello");
      assert.deepEqual(await read(), []);
      assert.deepEqual(texts(await read({}, "hello-2")), ["b"]);
      await store.logs.append("hello", [line("c")]);
      assert.deepEqual(texts(await read()), ["c"]);
    });

    it("are read on after a cursor, without a gap and without a repeated line", async () => {
      await store.logs.append("hello", numbered(0, 50));
      await store.logs.append("hello", numbered(50, 60));
      const first = (await read()).slice(0, 25);
      await store.logs.append("hello", numbered(60, 70));
      const rest = await read({ after: first.at(-1)!.id });
      assert.deepEqual(texts([...first, ...rest]), texts(numbered(0, 70)));
      assert.deepEqual(await read({ after: rest.at(-1)!.id }), []);
    });

    it("have a tail: the newest that match", async () => {
      for (let from = 0; from < 500; from += 5) await store.logs.append("hello", numbered(from, from + 5));
      await store.logs.append("hello", [line("last", { level: "warn" })]);
      assert.deepEqual(await found({ tail: 3 }), ["line 498", "line 499", "last"]);
      assert.deepEqual(await found({ tail: 2, search: "line 1" }), ["line 198", "line 199"]);
      assert.deepEqual(await found({ tail: 0 }), []);
      assert.equal((await found({ tail: 1_000 })).length, 501);
    });

    it("are filtered by time: since, included, until, excluded", async () => {
      for (let from = 0; from < 10; from += 2) await store.logs.append("hello", numbered(from, from + 2));
      assert.deepEqual(await found({ since: at(3), until: at(6) }), ["line 3", "line 4", "line 5"]);
      assert.deepEqual(await found({ since: at(9) }), ["line 9"]);
      assert.deepEqual(await found({ until: at(1) }), ["line 0"]);
    });

    it("are filtered by call, version, level and status", async () => {
      await store.logs.append("hello", [
        line("plain"),
        line("debug", { level: "debug", version: 1 }),
        line("warn", { level: "warn", version: 2, callId: "c_1" }),
        line("stderr", { stream: "stderr", version: 2, callId: "cx1" }),
        line("502", { stream: "call", status: 502, level: "error", callId: "c_1" }),
        line("429", { stream: "call", status: 429, level: "warn" }),
      ]);
      assert.deepEqual(await found({ call: "c_1" }), ["warn", "502"]);
      assert.deepEqual(await found({ call: "c_1", tail: 1 }), ["502"]);
      assert.deepEqual(await found({ version: 2 }), ["warn", "stderr"]);
      assert.deepEqual(await found({ level: "warn" }), ["warn", "stderr", "502", "429"]);
      assert.deepEqual(await found({ level: "info" }), ["plain", "warn", "stderr", "502", "429"]);
      assert.deepEqual(await found({ status: "5xx" }), ["502"]);
      assert.deepEqual(await found({ status: "429" }), ["429"]);
      assert.deepEqual(await found({ level: "warn", version: 2, call: "cx1" }), ["stderr"]);
    });

    it("are searched as plain text, without regard to case", async () => {
      const all = ['Zürich: 100% of \\d_"quoted"', "ZÜRICH", "nothing", "a\nb", "callId"];
      await store.logs.append(
        "hello",
        all.map((text) => line(text, { callId: "c" })),
      );
      assert.deepEqual(await found({ search: "zürich" }), [all[0], "ZÜRICH"]);
      assert.deepEqual(await found({ search: '100% OF \\D_"QUOTED"' }), [all[0]]);
      assert.deepEqual(await found({ search: "A\nB" }), ["a\nb"]);
      assert.deepEqual(await found({ search: "callid" }), ["callId"]);
      assert.deepEqual(await found({ search: "n_thing" }), []);
    });

    describe("of a follower", () => {
      const following: AbortController[] = [];
      afterEach(() => {
        for (const controller of following.splice(0)) controller.abort();
      });

      /** Follows until `stop`; `ended` resolves then. */
      function follow(query: LogQuery = {}) {
        const controller = new AbortController();
        following.push(controller);
        const lines: KeptLine[] = [];
        const run = async () => {
          for await (const each of store.logs.follow("hello", { ...query, signal: controller.signal })) {
            lines.push(each);
          }
        };
        return { lines, stop: () => controller.abort(), ended: run() };
      }

      it("are the new ones that match, within a second", async () => {
        await store.logs.append("hello", [line("old")]);
        const { lines, stop, ended } = follow({ search: "new" });
        const other = follow();
        await eventually("the follower has begun", async () => {
          await store.logs.append("hello", [line("new"), line("other")]);
          return lines.length > 0;
        });
        assert.ok(lines.every(({ text }) => text === "new"));
        await eventually("both arrive", () => other.lines.some(({ text }) => text === "other"), 1_000);
        assert.ok(!texts(other.lines).includes("old"));
        stop();
        await ended;
      });

      it("begin with the newest that match, without a gap to those that follow", async () => {
        let next = 0;
        let isDone = false;
        const writer = async () => {
          for (; !isDone; next += 5) await store.logs.append("hello", numbered(next, next + 5));
        };
        const writing = writer();
        await eventually("there are lines", () => next > 50);
        const { lines, stop, ended } = follow({ tail: 10 });
        const filtered = follow({ tail: 3, search: "9" });
        await eventually("lines arrive", () => lines.length > 100 && filtered.lines.length > 10);
        isDone = true;
        await writing;
        await eventually("the last one arrives", () => lines.at(-1)?.text === `line ${next - 1}`);
        const first = Number(lines[0]!.text.split(" ")[1]);
        assert.deepEqual(texts(lines), texts(numbered(first, next)));
        const nines = texts(filtered.lines);
        assert.ok(nines.every((text) => text.includes("9")));
        const all = await found({ search: "9" });
        assert.deepEqual(nines, all.slice(all.indexOf(nines[0]!)).slice(0, nines.length));
        stop();
        filtered.stop();
        await Promise.all([ended, filtered.ended]);
      });

      it("continue after a cursor, with what was appended meanwhile", async () => {
        await store.logs.append("hello", numbered(0, 10));
        const [first] = await read();
        const { lines, stop, ended } = follow({ after: first!.id });
        await eventually("the kept ones arrive", () => lines.length === 9);
        await store.logs.append("hello", numbered(10, 20));
        await eventually("the new ones arrive", () => lines.length === 19);
        assert.deepEqual(texts(lines), texts(numbered(1, 20)));
        assert.deepEqual(
          lines.map(({ id }) => id),
          (await read()).slice(1).map(({ id }) => id),
        );
        stop();
        await ended;
      });

      it("are complete when the follower is cut ten times and resumes by its cursor", async () => {
        await store.logs.append("hello", numbered(0, 1));
        const seen = await read();
        let next = 1;
        let isDone = false;
        const writer = async () => {
          for (; !isDone; next += 10) await store.logs.append("hello", numbered(next, next + 10));
        };
        const writing = writer();
        for (let cut = 0; cut < 10; cut++) {
          const { lines, stop, ended } = follow({ after: seen.at(-1)!.id });
          await eventually("lines arrive", () => lines.length > 20);
          stop();
          await ended;
          seen.push(...lines);
        }
        isDone = true;
        await writing;
        seen.push(...(await read({ after: seen.at(-1)!.id })));
        assert.deepEqual(texts(seen), texts(numbered(0, next)));
      });

      it("end at once when the signal aborts", async () => {
        const { stop, ended } = follow();
        stop();
        await ended;
      });
    });

    it("of an instance keep their order when many write at a time", async () => {
      const write = async (instance: string) => {
        for (let next = 0; next < 50; next++) {
          await store.logs.append("hello", [line(`line ${next}`, { instance })]);
        }
      };
      const instances = ["a", "b", "c", "d"];
      await Promise.all(instances.map(write));
      const all = await read();
      for (const instance of instances) {
        const own = all.filter((each) => each.instance === instance);
        assert.deepEqual(texts(own), texts(numbered(0, 50)));
      }
    });

    it("are read from the end that the log had, with lines or without", async () => {
      const empty = await store.logs.end("hello");
      await store.logs.append("hello", [line("a"), line("b")]);
      assert.deepEqual(texts(await read({ after: empty })), ["a", "b"]);
      const end = await store.logs.end("hello");
      assert.deepEqual(await read({ after: end }), []);
      await store.logs.append("hello", [line("c")]);
      assert.deepEqual(texts(await read({ after: end })), ["c"]);
    });

    it("are refused after a cursor that is not the id of a line", async () => {
      await store.logs.append("hello", [line("a")]);
      await assert.rejects(read({ after: "not-an-id" }), { code: "invalid_request" });
    });

    it("answer `draining` once they are closed", async () => {
      await store.close();
      await assert.rejects(store.logs.append("hello", [line("a")]), { code: "draining" });
    });
  });
}
