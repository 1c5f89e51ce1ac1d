import { deepEqual, equal, rejects } from "node:assert/strict";
import { type Followed, follow } from "../../../dashboard/web/api/follow.ts";
import { logQuery, partsAround, readFilters } from "../../../dashboard/web/logs/filters.ts";
import { LineBuffer } from "../../../dashboard/web/logs/line-buffer.ts";
import { type LogLine, lineAsText, plainText } from "../../../dashboard/web/logs/log-line.ts";
import { codeHref, partsByPlace } from "../../../dashboard/web/logs/source-places.ts";

const line = (text: string): LogLine => ({
  ...{ at: "2026-11-30T04:00:00.000Z", instance: "", stream: "stdout", level: "info" },
  text,
});

describe("Log lines of the dashboard", () => {
  it("loses no line in ten cuts, and shows none twice", async () => {
    const ending = new AbortController();
    const seen: string[] = [];
    let [opened, lost] = [0, 0];
    async function* open(after: string | undefined): AsyncGenerator<Followed<LogLine>> {
      opened++;
      // The first connections have no line yet.
      if (opened <= 2) throw new TypeError("network error");
      const from = after === undefined ? 0 : Number(after) + 1;
      for (let id = from; id < 100; id++) {
        yield { id: String(id), item: line(`line ${id}`) };
        if ((id + 1) % 12 === 0) throw new TypeError("network error");
      }
      ending.abort();
    }
    await follow({
      ...{ open, signal: ending.signal, pauseMs: 1, mayPass: (error) => error instanceof TypeError },
      onItem: ({ text }) => seen.push(text),
      onLost: () => lost++,
    });
    equal(lost, 10);
    deepEqual(
      seen,
      Array.from({ length: 100 }, (_, id) => `line ${id}`),
    );
  });

  it("ends with what does not pass", async () => {
    const failing = follow({
      // biome-ignore lint/correctness/useYield: it fails before its first line
      open: async function* () {
        throw new Error("the function was removed");
      },
      onItem: () => undefined,
      onLost: () => undefined,
      mayPass: () => false,
      signal: new AbortController().signal,
    });
    await rejects(failing, /removed/);
  });

  it("keeps the last lines, and holds new ones while somebody reads", () => {
    const buffer = new LineBuffer(100);
    for (let index = 0; index < 1_000; index++) buffer.add(line(`${index}`));
    equal(buffer.state.lines.at(-1)!.text, "999");
    equal(buffer.state.lines.length <= 110, true);
    equal(buffer.state.dropped + buffer.state.lines.length, 1_000);
    buffer.hold(true);
    const before = buffer.state.lines;
    for (let index = 0; index < 7; index++) buffer.add(line("new"));
    deepEqual(buffer.state.lines, before);
    equal(buffer.state.held, 7);
    buffer.hold(false);
    equal(buffer.state.held, 0);
    equal(buffer.state.lines.at(-1)!.text, "new");
    equal(buffer.state.lines.length, 100);
  });

  it("reads filters of the address and marks what was searched for", () => {
    const filters = readFilters(new URLSearchParams("level=warn&call=&other=1&since=15m"));
    deepEqual(filters, { level: "warn", since: "15m" });
    deepEqual(logQuery(filters), { level: "warn", since: "15m" });
    deepEqual(logQuery({}), { tail: 1_000 });
    deepEqual(partsAround("an Error, error", "error"), ["an ", "Error", ", ", "error", ""]);
    deepEqual(partsAround("text", undefined), ["text"]);
  });

  it("leads from a stack to the line of code", () => {
    const stack = [
      "Error: boom",
      "    at main_default (file:///skiff/code/main.ts:5:9)",
      "    at run (file:///skiff/code/project/src/run.ts:12:3)",
      "    at other (file:///skiff/code/project/node_modules/x/index.js:1:1)",
      "    at Calls.#handle (file:///skiff/runtime.mjs:730:21)",
      '  File "/skiff/code/project/main.py", line 7, in handler',
    ].join("\n");
    const parts = partsByPlace(stack);
    equal(parts.map(({ text }) => text).join(""), stack);
    deepEqual(
      parts.flatMap(({ place }) => (place === undefined ? [] : [place])),
      [
        { file: "main.ts", line: 5 },
        { file: "src/run.ts", line: 12 },
        { file: "main.py", line: 7 },
      ],
    );
    equal(
      codeHref("hello", { file: "src/run.ts", line: 12 }),
      "/functions/hello/code?file=src%2Frun.ts&line=12",
    );
    equal(
      codeHref("hello", { file: "main.ts", line: 6 }, 5),
      "/functions/hello/code?file=main.ts&line=6&version=5",
    );
  });

  it("shows no control sequences of terminals", () => {
    equal(plainText(line("\u001b[31mred\u001b[0m")), "red");
    equal(lineAsText({ ...line("hi"), version: 2 }), "2026-11-30T04:00:00.000Z v2 - stdout info - hi");
  });
});
