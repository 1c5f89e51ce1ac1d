import assert from "node:assert/strict";
import { mock } from "node:test";
import { type Service, ServiceList } from "../../process/service-list.ts";

describe("a list of services", () => {
  let steps: string[];
  beforeEach(() => {
    steps = [];
  });
  afterEach(() => mock.restoreAll());

  /** Notes its steps. */
  function service(name: string, more: Partial<Service> = {}): Service {
    const step = (what: string) => async () => void steps.push(`${name} ${what}`);
    const leave = () => void steps.push(`${name} leaves`);
    return { name, leave, drain: step("drains"), close: step("closes"), ...more };
  }

  /** A list that has started these. */
  function started(...services: Service[]): Promise<ServiceList> {
    return ServiceList.start(async (list) => {
      for (const each of services) list.add(each);
      list.ready();
      return list;
    });
  }

  it("drains all of them in reverse, and then closes all in reverse", async () => {
    const list = await started(service("platform"), service("server"));
    await list.stop({ drainMs: 1_000 });
    assert.deepEqual(steps, ["server drains", "platform drains", "server closes", "platform closes"]);
  });

  it("lets all of them leave before it drains, if there is time for that", async () => {
    const list = await started(service("platform"), service("server"));
    const stopped = list.stop({ leaveMs: 1, drainMs: 1_000 });
    assert.equal(list.state, "leaving");
    assert.deepEqual(steps, ["server leaves", "platform leaves"]);
    await stopped;
    assert.deepEqual(steps.slice(2, 4), ["server drains", "platform drains"]);
    assert.equal(list.state, "draining");
  });

  it("skips steps that a service does not have", async () => {
    const list = await started({ name: "folder" }, { name: "port", close: service("port").close! });
    await list.stop({ drainMs: 1_000 });
    assert.deepEqual(steps, ["port closes"]);
  });

  it("knows whether it starts, is ready or drains, and is not ready again afterwards", async () => {
    const states: string[] = [];
    const list = await ServiceList.start(async (starting) => {
      states.push(starting.state);
      starting.ready();
      return starting;
    });
    states.push(list.state);
    const stopped = list.stop({ drainMs: 1_000 });
    states.push(list.state);
    list.ready();
    await stopped;
    assert.deepEqual([...states, list.state], ["starting", "ready", "draining", "draining"]);
  });

  it("stops those that run when one does not start, and fails with its error", async () => {
    const refused = new Error("the port is in use");
    const list = ServiceList.start(async (starting) => {
      starting.add(service("platform"));
      starting.add(service("builder"));
      throw refused;
    });
    await assert.rejects(list, (error) => error === refused);
    assert.deepEqual(steps, ["builder drains", "platform drains", "builder closes", "platform closes"]);
  });

  it("keeps the error of a start whose stop fails as well", async () => {
    const list = ServiceList.start(async (starting) => {
      starting.add(service("platform", { close: () => Promise.reject(new Error("locked")) }));
      throw new Error("the port is in use");
    });
    await assert.rejects(list, (error: AggregateError) => {
      assert.equal(error.message, "the port is in use");
      assert.match(error.errors[1].message, /platform did not close: locked/);
      return true;
    });
  });

  it("stops the others when one fails, and names each that did", async () => {
    const failing = {
      drain: () => Promise.reject(new Error("stuck")),
      close: () => {
        throw new Error("gone");
      },
    };
    const list = await started(service("platform"), service("builder", failing), service("server"));
    await assert.rejects(
      list.stop({ drainMs: 1_000 }),
      /^AggregateError: builder did not drain: stuck; builder did not close: gone$/,
    );
    assert.deepEqual(steps, ["server drains", "platform drains", "server closes", "platform closes"]);
  });

  it("gives all of them one time together, and each a last moment", async () => {
    const times: number[] = [];
    let nowMs = 0;
    mock.method(performance, "now", () => nowMs);
    /** A service that takes so long to drain. */
    const timed = (tookMs: number): Service => ({
      name: `${tookMs} ms`,
      async drain(withinMs) {
        times.push(withinMs);
        nowMs += tookMs;
      },
    });
    const list = await started(timed(0), timed(0), timed(300), timed(150));
    await list.stop({ drainMs: 1_200 });
    assert.deepEqual(times, [1_200, 1_050, 1_000, 1_000]);
  });

  it("gives no time at all when there is none", async () => {
    const times: number[] = [];
    const list = await started({ name: "server", drain: async (withinMs) => times.push(withinMs) });
    await list.stop({ drainMs: 0 });
    assert.deepEqual(times, [0]);
  });

  it("goes on without a service that does not come back", async () => {
    const hanging = { drain: () => new Promise<void>(() => {}) };
    const list = await started(service("platform"), service("builder", hanging));
    const stopped = list.stop({ drainMs: 0, overtimeMs: 20 });
    await assert.rejects(stopped, /builder did not drain: it took longer than 20 ms/);
    assert.deepEqual(steps, ["platform drains", "builder closes", "platform closes"]);
  });

  it("is stopped once, however often it is asked", async () => {
    const list = await started(service("server"));
    assert.equal(list.stop({ drainMs: 1_000 }), list.stop({ drainMs: 0 }));
    await list.stop({ drainMs: 0 });
    assert.deepEqual(steps, ["server drains", "server closes"]);
  });
});
