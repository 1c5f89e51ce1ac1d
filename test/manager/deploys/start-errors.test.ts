import assert from "node:assert/strict";
import { startErrors } from "../../../manager/deploys/start-errors.ts";
import type { Source } from "../../../platform/platform.ts";

const bytes = (text: string) => Buffer.from(text);

describe("manager: places of a failed start", () => {
  const { signal } = new AbortController();
  const files = new Map([
    ["main.ts", bytes("import './lib/main.ts';")],
    ["lib/main.ts", bytes("one\n  throw new Error('x');\n")],
  ]);
  const find = (log: readonly string[], type: Source["type"], source = "") =>
    startErrors(
      log,
      { type, bytes: bytes(source) },
      { builder: { unpack: async () => ({ files }) }, signal },
    );

  it("are the first frame in the source, with the message before it", async () => {
    const log = [
      "hello",
      "Error: boom",
      "    at f (ext:core/01.js:1:2)",
      "    at file:///skiff/code/main.ts:2:7",
    ];
    assert.deepEqual(await find(log, "text/typescript", "a\r\n  throw b;\n"), [
      { message: "Error: boom", file: "main.ts", line: 2, column: 7, lineText: "  throw b;" },
    ]);
  });

  it("are found in the folders of a project", async () => {
    const log = [
      "TypeError: no",
      "    at g (file:///skiff/runtime.mjs:9:9)",
      "    at async Module.f (file:///skiff/code/project/lib/main.ts:2:9)",
    ];
    const [error] = await find(log, "application/x-tar");
    assert.deepEqual(
      [error!.file, error!.line, error!.lineText],
      ["lib/main.ts", 2, "  throw new Error('x');"],
    );
  });

  it("are none in a log without a place of the source", async () => {
    const log = ["Error: x", "    at file:///skiff/runtime.mjs:1:2"];
    assert.deepEqual(await find(log, "application/x-tar"), []);
    assert.deepEqual(await find(["The module has no handler"], "text/typescript"), []);
  });
});
