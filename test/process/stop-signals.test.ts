import assert from "node:assert/strict";
import { mock } from "node:test";
import { type StopSignalOptions, untilStopSignal } from "../../process/stop-signals.ts";
import { eventually } from "../support/eventually.ts";

describe("signals that stop the program", () => {
  let asked: string[];
  let ended: AbortController;
  beforeEach(() => {
    asked = [];
    ended = new AbortController();
  });
  afterEach(() => {
    ended.abort();
    mock.timers.reset();
  });

  function listen(event?: string, parent = process.ppid, start?: Promise<unknown>): Promise<string> {
    const options: StopSignalOptions = {
      env: event === undefined ? {} : { npm_lifecycle_event: event },
      parent,
      ...(start === undefined ? {} : { start }),
      stopNow: () => asked.push("now"),
      signal: ended.signal,
    };
    return untilStopSignal(options);
  }

  /** As node does when the signal arrives. */
  const send = (signal: NodeJS.Signals) => process.emit(signal, signal);

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`are ${signal}, and the second one ends it at once`, async () => {
      const reason = listen();
      send(signal);
      assert.equal(await reason, signal);
      assert.deepEqual(asked, []);
      send("SIGTERM");
      assert.deepEqual(asked, ["now"]);
    });
  }

  it("are SIGHUP, which a closed terminal sends several times", async () => {
    const reason = listen();
    send("SIGHUP");
    send("SIGHUP");
    assert.equal(await reason, "SIGHUP");
    assert.deepEqual(asked, []);
    send("SIGINT");
    assert.deepEqual(asked, ["now"]);
  });

  it("count once under npm, which forwards what the terminal has sent already", async () => {
    const reason = listen("start");
    send("SIGINT");
    send("SIGINT");
    assert.equal(await reason, "SIGINT");
    assert.deepEqual(asked, []);
    await eventually("a later one counts", () => send("SIGINT") && asked.length > 0);
    assert.deepEqual(asked, ["now"]);
  });

  it("include the end of the parent under npm start, and otherwise not", async () => {
    for (const event of [undefined, "test"]) {
      void listen(event, process.ppid + 1).then((reason) => asked.push(reason));
    }
    // Begun after the others, so that they would have noticed before it.
    assert.equal(await listen("start", process.ppid + 1), "npm has ended");
    assert.deepEqual(asked, []);
  });

  it("let a start under way finish, and end one that hangs", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const quick = Promise.withResolvers<void>();
    for (const [start, end] of [
      [quick.promise, []],
      [new Promise(() => {}), ["now"]],
    ] as const) {
      const reason = listen(undefined, process.ppid, start);
      send("SIGTERM");
      assert.equal(await reason, "SIGTERM");
      quick.resolve();
      await quick.promise;
      mock.timers.tick(60_000);
      assert.deepEqual(asked, end);
      ended.abort();
      ended = new AbortController();
    }
  });

  it("are no longer waited for once the caller stops listening", () => {
    const before = process.listenerCount("SIGINT");
    void listen();
    assert.equal(process.listenerCount("SIGINT"), before + 1);
    ended.abort();
    assert.equal(process.listenerCount("SIGINT"), before);
  });
});
