import assert from "node:assert/strict";
import { onStopSignals } from "../../process/stop-signals.ts";
import { eventually } from "../support/eventually.ts";

describe("signals that end the program", () => {
  let heard: string[];
  let stopListening: () => void;
  afterEach(() => stopListening());

  function listen(event?: string, parent = process.ppid): void {
    heard = [];
    stopListening = onStopSignals({
      env: event === undefined ? {} : { npm_lifecycle_event: event },
      parent,
      stop: (reason) => heard.push(reason),
      stopNow: () => heard.push("now"),
    });
  }

  /** As node does when the signal arrives. */
  const send = (signal: NodeJS.Signals) => process.emit(signal, signal);

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`are ${signal}, and the second one ends it at once`, () => {
      listen();
      send(signal);
      assert.deepEqual(heard, [signal]);
      send("SIGTERM");
      assert.deepEqual(heard, [signal, "now"]);
    });
  }

  it("are SIGHUP, which a closed terminal sends several times", () => {
    listen();
    send("SIGHUP");
    send("SIGHUP");
    assert.deepEqual(heard, ["SIGHUP"]);
    send("SIGINT");
    assert.deepEqual(heard, ["SIGHUP", "now"]);
  });

  it("count once under npm, which forwards what the terminal has sent already", async () => {
    listen("start");
    send("SIGINT");
    send("SIGINT");
    assert.deepEqual(heard, ["SIGINT"]);
    await eventually("a later one counts", () => send("SIGINT") && heard.length > 1);
    assert.deepEqual(heard, ["SIGINT", "now"]);
  });

  it("include the end of the parent under npm start, and otherwise not", async () => {
    const others: string[] = [];
    const stopOthers = [undefined, "test"].map((event) =>
      onStopSignals({
        env: { npm_lifecycle_event: event },
        parent: process.ppid + 1,
        stop: (reason) => others.push(reason),
        stopNow: () => others.push("now"),
      }),
    );
    // Begun after the others, so that they would have noticed before it.
    listen("start", process.ppid + 1);
    await eventually("it is noticed", () => heard.length > 0);
    for (const stop of stopOthers) stop();
    assert.deepEqual(heard, ["npm has ended"]);
    assert.deepEqual(others, []);
  });
});
