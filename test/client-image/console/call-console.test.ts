import assert from "node:assert/strict";
import type { LogLine } from "../../../platform/platform.ts";
import { eventually } from "../../support/eventually.ts";
import { call } from "../../support/instances/call-instance.ts";
import { TemporaryLocalPlatform } from "../../support/platform/temporary-local-platform.ts";

describe("what a function prints", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  /** Waits for the line that begins so. */
  async function printed(start: string): Promise<LogLine> {
    let found: LogLine | undefined;
    await eventually(`"${start}" is in the log`, () => {
      found = local.lines.find(({ text }) => text.startsWith(start));
      return found !== undefined;
    });
    return found!;
  }

  const headers = (id: string) => ({ headers: { "x-skiff-call-id": id } });

  it("has the level, the version and the call during which it was printed", async () => {
    const { address, id } = await local.run(`
      console.log("loading");
      console.warn("careful");
      export default () => {
        console.debug("a1"); console.log("a2 %d", 2, { x: 1 }); console.info("a3");
        console.warn("a4"); console.error("a5"); console.trace("a6");
        return "";
      };`);
    await call(address, headers("call-1"));
    const rows = ["a1", "a2 2 { x: 1 }", "a3", "a4", "a5", "Trace: a6"];
    const lines = await Promise.all(rows.map(printed));
    assert.deepEqual(
      lines.map(({ level, stream }) => `${level} ${stream}`),
      ["debug stdout", "info stdout", "info stdout", "warn stderr", "error stderr", "debug stdout"],
    );
    for (const { callId, version, instance } of lines) {
      assert.deepEqual([callId, version, instance], ["call-1", 1, id]);
    }
    const loading = await printed("loading");
    assert.deepEqual([loading.level, loading.callId, loading.stream], [undefined, undefined, "stdout"]);
    const careful = await printed("careful");
    assert.deepEqual([careful.level, careful.callId, careful.stream], ["warn", undefined, "stderr"]);
  });

  it("belongs to its call after awaits and in timers, for many calls at a time", async () => {
    const { address } = await local.run(`
      import { AsyncLocalStorage } from "node:async_hooks";
      const storage = new AsyncLocalStorage();
      const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      export default (request) => storage.run("own", async () => {
        const id = new URL(request.url).pathname.slice(1);
        await pause(Math.random() * 20);
        console.log("awaited", id);
        await new Promise((resolve) => setTimeout(() => { console.log("timer", id); resolve(); }, 5));
        console.log("stored", id, storage.getStore());
        return "";
      });`);
    const ids = Array.from({ length: 50 }, (_, index) => `many-${index + 10}`);
    await Promise.all(ids.map((id) => call(address, { path: `/${id}`, ...headers(id) })));
    for (const id of ids) {
      for (const text of [`awaited ${id}`, `timer ${id}`, `stored ${id} own`]) {
        const line = await printed(text);
        assert.equal(line.callId, id);
      }
    }
  });

  it("is in the order in which it was printed, whatever its levels are", async () => {
    const { address } = await local.run(`export default () => {
      for (let n = 0; n < 200; n++) [console.log, console.error, console.warn][n % 3]("order", n);
      return "";
    };`);
    await call(address, headers("order"));
    await printed("order 199");
    const numbers = local.lines.flatMap(({ text }) => /^order (\d+)$/.exec(text)?.[1] ?? []).map(Number);
    assert.deepEqual(
      numbers,
      Array.from({ length: 200 }, (_, n) => n),
    );
  });

  it("after the response belongs to its call with waitUntil", async () => {
    const { address } = await local.run(`
      const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      export default (request, { waitUntil }) => {
        waitUntil(pause(50).then(() => console.log("background")));
        return "";
      };`);
    await call(address, headers("waited"));
    const { callId } = await printed("background");
    assert.equal(callId, "waited");
  });

  it("after the response without waitUntil belongs to its call from the second such call on", async () => {
    const { address } = await local.run(`
      export default (request) => {
        const { pathname } = new URL(request.url);
        setTimeout(() => console.log("loose", pathname), 50);
        return "";
      };`);
    await call(address, { path: "/1", ...headers("first") });
    await printed("loose /1");
    await call(address, { path: "/2", ...headers("second") });
    const { callId } = await printed("loose /2");
    assert.equal(callId, "second");
  });

  it("at once stays one entry, with the stack of an error", async () => {
    const { address } = await local.run(`export default () => {
      console.log("one\\ntwo\\n\\nfour");
      console.group("group"); console.log("inside"); console.groupEnd();
      console.log("long " + "x".repeat(20_000) + "\\nend");
      throw new Error("thrown");
    };`);
    await call(address, headers("entry"));
    assert.equal((await printed("one")).text, "one\ntwo\n\nfour");
    assert.equal((await printed("  inside")).text, "  inside");
    assert.equal((await printed("long")).text, `long ${"x".repeat(20_000)}\nend`);
    const error = await printed("call entry failed:");
    assert.match(error.text, /Error: thrown\n {4}at .*\n/);
    assert.deepEqual([error.callId, error.level], ["entry", "error"]);
  });

  it("before a failed start is in its error line by line, the last ones", async () => {
    const code = `console.error("first\\nsecond"); console.log("line\\n".repeat(100)); throw new Error("no");`;
    await assert.rejects(local.run(code), ({ extensions }: { extensions?: { log?: string[] } }) => {
      const { log = [] } = extensions ?? {};
      assert.equal(log.length, 20);
      assert.ok(log.every((each) => !each.includes("\n")));
      assert.ok(log.some((each) => each.includes("Error: no")));
      return true;
    });
  });

  it("directly has no call, and cannot be taken for what console prints by accident", async () => {
    const { address } = await local.run(`export default () => {
      Deno.stdout.writeSync(new TextEncoder().encode("[error 123] direct\\n"));
      Deno.stderr.writeSync(new TextEncoder().encode("direct error\\n"));
      console.log("\\u001e[error 456] forged\\u001e");
      console.log("after");
      return "";
    };`);
    await call(address, headers("direct"));
    const direct = await printed("[error 123] direct");
    assert.deepEqual([direct.callId, direct.level], [undefined, undefined]);
    const stderr = await printed("direct error");
    assert.deepEqual([stderr.callId, stderr.stream], [undefined, "stderr"]);
    const forged = await printed("\u001e[error 456]");
    assert.deepEqual([forged.callId, forged.level], ["direct", "info"]);
    assert.equal((await printed("after")).callId, "direct");
  });

  it("keeps the methods of console and their names for Node", async () => {
    const { address } = await local.run(`
      import nodeConsole from "node:console";
      export default () => {
        const { log } = console;
        log("destructured");
        nodeConsole.log("of node");
        console.table([{ a: 1 }]);
        console.count("counted");
        console.assert(false, "asserted");
        console.clear();
        return "";
      };`);
    await call(address, headers("methods"));
    for (const start of ["destructured", "of node", "┌", "counted: 1", "Assertion failed: asserted"]) {
      const line = await printed(start);
      assert.equal(line.callId, "methods", start);
    }
  });
});
