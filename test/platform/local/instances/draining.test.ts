import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Address } from "../../../../platform/platform.ts";
import type { Settings } from "../../../../platform/settings/settings.ts";
import { eventually } from "../../../support/eventually.ts";
import { call, callFor } from "../../../support/instances/call-instance.ts";
import { HeldCall } from "../../../support/instances/held-call.ts";
import { instancesIn } from "../../../support/instances/instance-folders.ts";
import { processesWith } from "../../../support/instances/processes.ts";
import { publish, report, servingOf } from "../../../support/platform/deploying.ts";
import { answering, draftOf } from "../../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";
import { partOfDay } from "../../../support/selection/part-of-day.ts";

/** Answers when the body of the call ends, and works on in the background. */
const SLOW = `
  export default async (request, { waitUntil }) => {
    const { pathname } = new URL(request.url);
    console.log("began", pathname);
    const text = await request.text();
    waitUntil((async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log("background done", pathname);
    })());
    return text;
  };`;

/** What a router reports that knows one stream, on this instance. */
const streamOn = (name: string, id: string) => ({
  name,
  inFlight: 1,
  waiting: 0,
  byInstance: () => new Map([[id, { calls: 1, streams: 1 }]]),
});

/** Streams the body of the call back, and looks for its bundle at the end. */
const STREAM = `
  export default (request) => {
    const flush = async () => {
      await Deno.readTextFile(new URL(import.meta.url));
      console.log("the bundle is there");
    };
    return request.body.pipeThrough(new TransformStream({ flush }));
  };`;

/** A stream that has begun, until the test ends it. */
async function beginStream(address: Address): Promise<HeldCall> {
  const held = new HeldCall(address);
  await held.response;
  return held;
}

describe("an instance that is no longer wanted", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  for (const [what, change] of Object.entries({
    "a new version": (name: string) => publish(local.platform, draftOf(name, answering("new"))),
    removal: (name: string) => local.platform.remove(name),
    "the platform's end": () => local.platform.close({ drainMs: 5_000 }),
  })) {
    it(`because of ${what} answers the call under way and finishes its background work`, async () => {
      const name = what.replaceAll(/\W/g, "-");
      const { id, address } = await local.publish(draftOf(name, SLOW));
      const held = new HeldCall(address, `/${name}`);
      await local.logged(`began /${name}`);
      const changed = change(name);
      await eventually("it gets no more calls", () => {
        const instances = servingOf(local.platform, name)?.instances ?? [];
        return !instances.some((instance) => instance.id === id);
      });
      assert.equal((await held.end()).text, "body ended");
      await local.logged(`background done /${name}`);
      await changed;
    });
  }

  it("has as long as a call of its own version may take, and a silence of a stream", async () => {
    const patient = await TemporaryLocalPlatform.open({ limits: { streamIdleMs: 200 } });
    try {
      const { id, address } = await patient.publish(
        draftOf("hanging", `export default () => new Promise(() => {});`, { timeoutMs: 300 }),
      );
      const hanging = assert.rejects(call(address));
      await publish(patient.platform, draftOf("hanging", answering("new")));
      await hanging;
      await eventually("its process is gone", () => processesWith(id).length === 0);
    } finally {
      await patient.close();
    }
  });
});

describe("a stream of an instance that is no longer wanted", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  /** Replaces an instance with a call whose response does not begin, and waits until it is ended. */
  async function leaveLater(name: string, settings: Partial<Settings>): Promise<void> {
    const later = `later-${name}`;
    const hanging = `export default () => new Promise(() => {});`;
    const { id, address } = await local.publish(draftOf(later, hanging, settings));
    const ended = assert.rejects(call(address));
    await local.publish(draftOf(later, answering("new")));
    await ended;
    await local.logged(`instance ${id} was stopped: it had not finished 100 ms after it was asked to`);
  }

  for (const [what, change] of Object.entries({
    "a new version": (name: string) => local.publish(draftOf(name, answering("new"))),
    removal: (name: string) => local.platform.remove(name),
    "fewer calls": async (name: string) => {
      report(local.platform, { name, inFlight: 0, waiting: 0 });
      await eventually("it is idle", () => servingOf(local.platform, name)?.instances.length === 0);
    },
  })) {
    it(`because of ${what} may last longer than a response may take to start`, async () => {
      const name = `stream-${what.replaceAll(/\W/g, "-")}`;
      const settings = { timeoutMs: 100, idleMs: 100 };
      const { id, address } = await local.publish(draftOf(name, STREAM, settings));
      report(local.platform, streamOn(name, id));
      const held = await beginStream(address);
      await change(name);
      report(local.platform, streamOn(name, id));
      await leaveLater(name, settings);
      assert.equal((await held.end()).text, "body ended");
    });
  }
});

describe("removing a function with a call that takes long", () => {
  let local: TemporaryLocalPlatform;
  beforeEach(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  afterEach(() => local.close());

  const bundlesOf = (name: string) => {
    const folder = join(local.dataFolder, "functions", name);
    return existsSync(folder) ? readdirSync(folder) : [];
  };

  it("does not wait for the call, which finishes while the name is deployed anew", async () => {
    const { id, address } = await local.publish(draftOf("again", STREAM));
    const held = await beginStream(address);
    const following = (async () => {
      for await (const _ of local.platform.logs("again", { tail: 0, follow: true }));
    })();
    assert.equal(await local.platform.remove("again"), true);
    await following;
    const published = await publish(local.platform, draftOf("again", answering("anew")));
    // The instance of version 1 is there still: its number is not used again.
    assert.deepEqual([published.version, published.created], [2, true]);
    assert.equal((await call(local.instance("again").address)).text, "anew");
    assert.equal(bundlesOf("again").length, 2);

    // Its bundle is its own to the end, too.
    assert.equal((await held.end()).text, "body ended");
    await local.logged("the bundle is there");
    await eventually("its process is gone", () => processesWith(id).length === 0);
    await eventually("its bundle is gone", () => bundlesOf("again").length === 1);
    assert.equal((await call(local.instance("again").address)).text, "anew");
    await local.platform.remove("again");
    await eventually("nothing is left", () => bundlesOf("again").length === 0);
    assert.deepEqual(instancesIn(local.dataFolder), []);
  });

  it("is done when the platform ends, within its time", async () => {
    const { address } = await local.publish(draftOf("ended", `export default () => new Promise(() => {});`));
    const hanging = assert.rejects(call(address));
    await local.platform.remove("ended");
    await local.platform.close({ drainMs: 100 });
    await hanging;
    assert.deepEqual(processesWith(local.dataFolder), []);
  });
});

describe("redeploying", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  it("ten times loses no call to what the endpoints say", async () => {
    await local.publish(draftOf("steady", answering("version 0")));
    const answers = new Map<string, number>();
    let redeploying = true;
    const caller = async () => {
      while (redeploying) {
        const { status, text } = await call(local.instance("steady").address);
        assert.equal(status, 200);
        answers.set(text, (answers.get(text) ?? 0) + 1);
      }
    };
    const callers = Array.from({ length: 6 }, caller);
    for (let version = 1; version <= 10; version++) {
      await local.publish(draftOf("steady", answering(`version ${version}`)));
    }
    redeploying = false;
    await Promise.all(callers);
    assert.ok(answers.size >= 8, [...answers].join(" "));
  });

  it("twenty functions at once makes all of them ready", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `many-${index}`);
    const instances = await Promise.all(names.map((name) => local.publish(draftOf(name, answering(name)))));
    const answers = await Promise.all(instances.map(({ address }) => call(address)));
    assert.deepEqual(
      answers.map(({ text }) => text),
      names,
    );
  });
});

describe("a busy instance that is no longer wanted", () => {
  it("answers calls whose connections it has not accepted yet when it leaves", async () => {
    const local = await TemporaryLocalPlatform.open();
    const code = `export default (request) => {
      if (!request.url.endsWith("/block")) return "answered";
      console.log("blocks");
      const until = performance.now() + 600;
      while (performance.now() < until);
      return "blocked";
    };`;
    const { address } = await local.publish(draftOf("backlog", code));
    const blocked = call(address, { path: "/block" });
    await local.logged("blocks");
    const waiting = Array.from({ length: 50 }, () => call(address));
    const removed = local.platform.remove("backlog");
    assert.equal((await blocked).text, "blocked");
    const texts = (await Promise.all(waiting)).map(({ text }) => text);
    assert.deepEqual(new Set(texts), new Set(["answered"]));
    await removed;
    await local.close();
  });
});

describe("an instance whose event loop is blocked", () => {
  const WITHIN_MS = 20_000;
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  const SPINS = `export default () => { console.log("spins"); for (;;); };`;
  const code = {
    "by a call": SPINS,
    "by a timer": `export default () => { setTimeout(() => { console.log("spins"); for (;;); }); return "ok"; };`,
    // A worker would say in the place of the main thread that this is alive, if it knew the word for that.
    "while it lies": `
      const encode = TextEncoder.prototype.encode;
      let word;
      TextEncoder.prototype.encode = function (text) { word ??= /^(\\w{32}) ready/.exec(text)?.[1]; return encode.call(this, text); };
      export default () => {
        const lie = "setInterval(() => console.log('" + word + " alive'), 200)";
        new Worker("data:text/javascript," + encodeURIComponent(lie), { type: "module" });
        return new Promise(() => setTimeout(() => { console.log("spins"); for (;;); }, 300));
      };`,
    "after it was asked to finish": `export default async () => {
      console.log("spins");
      await new Promise((resolve) => setTimeout(resolve, 600));
      for (;;);
    };`,
  };
  const gone = async (id: string, fromMs: number) => {
    await eventually("its process is gone", () => processesWith(id).length === 0, 2 * WITHIN_MS);
    const tookMs = performance.now() - fromMs;
    assert.ok(tookMs < WITHIN_MS, `${tookMs} ms`);
  };

  const spinning = Object.entries(code).flatMap(([how, source]) =>
    (["removed", "replaced"] as const).map((change) => ({ how, source, change })),
  );
  for (const { how, source, change } of partOfDay(spinning, 3)) {
    it(`${how} is ended within five seconds after it is ${change}`, async () => {
      const name = `${how}-${change}`.replaceAll(/\W/g, "-");
      const { id, address } = await local.publish(draftOf(name, source));
      const lines = local.lines.length;
      const ended = call(address).catch(() => {});
      await eventually("it spins", () => local.lines.slice(lines).some(({ text }) => text === "spins"));
      const fromMs = performance.now();
      if (change === "removed") await local.platform.remove(name);
      else await local.publish(draftOf(name, answering("new")));
      await gone(id, fromMs);
      await ended;
      await local.logged(`instance ${id} was stopped: its event loop was blocked for 3 s`);
    });
  }

  it("by ten deploys of the same mistake leaves one process of them all", async () => {
    const ids: string[] = [];
    for (let version = 1; version <= 10; version++) {
      const { id, address } = await local.publish(draftOf("again", `${SPINS} // ${version}`));
      ids.push(id);
      void call(address).catch(() => {});
      await local.logged(`spins`);
    }
    const running = () => ids.filter((id) => processesWith(id).length > 0);
    await eventually("one is left", () => running().length === 1, WITHIN_MS);
    assert.deepEqual(running(), [ids.at(-1)]);
  });

  it("is not ended while a router knows a stream on it", async () => {
    const code = `export default () => new ReadableStream({
      async pull(controller) {
        controller.enqueue(new TextEncoder().encode("begun"));
        await new Promise((resolve) => setTimeout(resolve, 500));
        const until = performance.now() + 3_500;
        while (performance.now() < until);
        controller.enqueue(new TextEncoder().encode(" and done"));
        controller.close();
      },
    });`;
    const { id, address } = await local.publish(draftOf("streaming", code));
    const response = await callFor(address);
    report(local.platform, streamOn("streaming", id));
    await local.platform.remove("streaming");
    assert.equal(await text(response), "begun and done");
  });

  it("is not what one is that works on a call and answers", async () => {
    const code = `export default async () => {
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      return "done";
    };`;
    const { address } = await local.publish(draftOf("working", code));
    const answer = call(address);
    await local.publish(draftOf("working", answering("new")));
    assert.equal((await answer).text, "done");
  });
});
