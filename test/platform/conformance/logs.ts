import assert from "node:assert/strict";
import type { LogLine } from "../../../platform/platform.ts";
import { eventually } from "../../support/eventually.ts";
import { publish } from "../../support/platform/deploying.ts";
import type { Subject } from "./subject.ts";

export function logs(subject: Subject): void {
  const { draft } = subject;

  async function printed(name: string, tail: number): Promise<string[]> {
    const texts: string[] = [];
    for await (const { text } of subject.platform.logs(name, { tail, follow: false })) texts.push(text);
    return texts;
  }

  async function printAll(name: string, texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      await subject.print(subject.platform, name, text);
      await eventually(`${text} is in the log`, async () => (await printed(name, 100)).includes(text));
    }
  }

  describe("logs", () => {
    it("give the last lines, oldest first", async () => {
      await publish(subject.platform, draft("logs-tail", "one"));
      await printAll("logs-tail", ["a", "b", "c"]);
      assert.deepEqual(await printed("logs-tail", 2), ["b", "c"]);
      assert.deepEqual(await printed("logs-tail", 100), ["a", "b", "c"]);
      assert.deepEqual(await printed("logs-tail", 0), []);
    });

    it("say when, by which instance and version and on which stream a line was printed", async () => {
      const { platform } = subject;
      await publish(platform, draft("logs-line", "one"));
      await printAll("logs-line", ["a"]);
      for await (const line of platform.logs("logs-line", { tail: 1, follow: false })) {
        assert.ok(Math.abs(line.at.getTime() - Date.now()) < 60_000);
        assert.notEqual(line.instance, "");
        assert.deepEqual([line.version, line.stream, line.text], [1, "stdout", "a"]);
      }
    });

    it("follow what is printed after the last lines, until aborted", async () => {
      const { platform } = subject;
      await publish(platform, draft("logs-follow", "one"));
      await printAll("logs-follow", ["a", "b"]);
      const leaving = new AbortController();
      const texts: string[] = [];
      const following = (async () => {
        const options = { tail: 1, follow: true, signal: leaving.signal };
        for await (const { text } of platform.logs("logs-follow", options)) texts.push(text);
      })();
      await eventually("the tail was read", () => texts.length === 1);
      await printAll("logs-follow", ["c", "d"]);
      await eventually("all was read", () => texts.length === 3);
      leaving.abort();
      await following;
      await printAll("logs-follow", ["e"]);
      assert.deepEqual(texts, ["b", "c", "d"]);
    });

    it("that are followed end when the function is removed", async () => {
      const { platform } = subject;
      await publish(platform, draft("logs-end", "one"));
      await printAll("logs-end", ["a"]);
      const lines: LogLine[] = [];
      const following = (async () => {
        for await (const line of platform.logs("logs-end", { tail: 10, follow: true })) lines.push(line);
      })();
      await eventually("the tail was read", () => lines.length === 1);
      await platform.remove("logs-end");
      await following;
    });

    it("of a function that does not exist are an unknown_function", async () => {
      await assert.rejects(printed("logs-never-was", 1), { code: "unknown_function" });
    });
  });
}
