import assert from "node:assert/strict";
import { mock } from "node:test";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { VersionEndpoints } from "../../../platform/platform.ts";
import { Route, type RouterPlatform, type Waiter } from "../../../router/placement/version.ts";
import type { Backend } from "../../../router/upstream/instance.ts";

/** What a function's route looks like after one of its instances broke a call off. */
describe("an instance that broke a call off", () => {
  const placed: string[] = [];
  let woken: number;
  let route: Route;

  function endpoints(...ids: string[]): VersionEndpoints {
    const instances = ids.map((id) => ({ id, address: { unix: `/nowhere/${id}` } }));
    return { version: 1, concurrency: 10, timeoutMs: 1_000, instances };
  }

  function waiter(): Waiter {
    return {
      arrivedMs: performance.now(),
      placed: (backend) => placed.push(backend.instance.id),
      refused: (problem) => assert.fail(problem),
    };
  }

  /** The call that it broke off. */
  function broken(): Backend {
    const backend = route.take()!;
    route.doubt(backend);
    route.release(backend);
    return backend;
  }

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    placed.length = 0;
    woken = 0;
    const platform: RouterPlatform = {
      endpoints: () => assert.fail("asked for endpoints"),
      watch: () => assert.fail("watched"),
      wake: () => {
        woken++;
        return new Promise(() => {});
      },
      report: () => {},
    };
    const print = (line: string) => assert.fail(line);
    route = new Route(
      { name: "f", endpoints: endpoints("a") },
      { platform, limits: limitsFromEnv({}), print },
      Buffer.alloc(16),
    );
  });
  afterEach(() => {
    route.destroy(new Error("the test is over"));
    mock.timers.reset();
  });

  it("gets no call while the platform has not had the time to see its end, and its successor gets them", () => {
    broken();
    assert.equal(route.take(), undefined);
    route.wait(waiter());
    assert.deepEqual([placed, woken], [[], 0]);
    route.update(endpoints());
    assert.deepEqual([placed, woken], [[], 1]);
    route.update(endpoints("b"));
    assert.deepEqual(placed, ["b"]);
  });

  it("gets those that waited when it is still there a moment later", () => {
    broken();
    route.wait(waiter());
    mock.timers.tick(499);
    assert.deepEqual(placed, []);
    mock.timers.tick(1);
    assert.deepEqual(placed, ["a"]);
    assert.equal(route.take()?.instance.id, "a");
  });

  it("holds nobody up whom another instance can serve", () => {
    route.update(endpoints("a", "b"));
    const { instance } = broken();
    const others = Array.from({ length: 10 }, () => route.take()!.instance.id);
    assert.ok(!others.includes(instance.id));
  });
});
