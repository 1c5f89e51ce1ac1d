import { strict as assert } from "node:assert";
import { request as httpRequest } from "node:http";
import request from "supertest";
import { eventually } from "../../support/eventually.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

describe("manager: deploys that meet each other", () => {
  let skiff: StartedManager;
  let release: () => void;
  beforeEach(async () => {
    skiff = await startManager();
    ({ promise: skiff.builder.hold, resolve: release } = Promise.withResolvers<void>());
  });
  afterEach(() => {
    release();
    return skiff.stop();
  });

  // `then` starts the request: supertest sends nothing before.
  const post = (name: string, body: string) =>
    request(skiff.url)
      .post(`/func?name=${name}`)
      .send(body)
      .then((answer) => answer);
  const built = (count: number) => eventually(`${count} builds`, () => skiff.builder.built.length === count);

  /** A deploy whose client can leave. */
  function leaver(name: string, body: string): () => void {
    const client = httpRequest(`${skiff.url}/func?name=${name}`, { method: "POST" });
    client.on("error", () => {});
    client.end(body);
    return () => client.destroy();
  }

  it("builds one version of a function at a time, in order of arrival", async () => {
    const first = post("hello", "one");
    await built(1);
    const second = post("hello", "two");
    const other = post("other", "other");
    await built(2);
    assert.deepEqual(skiff.builder.built, ["one", "other"]);
    release();
    const versions = (await Promise.all([first, second, other])).map((answer) => answer.body.version);
    assert.deepEqual(versions, [1, 2, 1]);
    assert.deepEqual(skiff.builder.built, ["one", "other", "two"]);
  });

  it("announces a file that becomes a module before it is built, with its settings", async () => {
    const first = post("hello&memory=64Mi", "PLAIN");
    const other = post("other", "imports");
    await built(2);
    assert.deepEqual(
      skiff.platform.expected.map(({ memoryMiB }) => memoryMiB),
      [64],
    );
    release();
    await Promise.all([first, other]);
    // A change of the settings alone builds nothing.
    await post("hello&memory=32Mi", "PLAIN");
    assert.equal(skiff.platform.expected.length, 1);
  });

  it("gives every one of many deploys at once a version of its own", async () => {
    release();
    const answers = await Promise.all(
      Array.from({ length: 15 }, (_, index) => post("hello", `body ${index}`)),
    );
    const versions = answers.map((answer) => answer.body.version).sort((a, b) => a - b);
    assert.deepEqual(
      versions,
      Array.from({ length: 15 }, (_, index) => index + 1),
    );
    assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
  });

  it("builds once when the same source comes from several at once", async () => {
    release();
    const answers = await Promise.all(Array.from({ length: 10 }, () => post("hello", "same")));
    assert.equal(skiff.builder.built.length, 1);
    assert.equal(answers.filter((answer) => answer.body.unchanged).length, 9);
  });

  it("turns away the deploy whose source would hold too much memory while it waits", async () => {
    await skiff.stop();
    skiff = await startManager({ limits: { sourceBytes: 1024 } });
    ({ promise: skiff.builder.hold, resolve: release } = Promise.withResolvers<void>());
    const under = post("hello", "first");
    await built(1);
    const answers = Array.from({ length: 17 }, (_, index) => post("hello", `${index}`.padEnd(1024)));
    const refused = await Promise.race(answers);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers["retry-after"], "5");
    assert.match(refused.body.detail, /16 KiB/);
    release();
    const statuses = (await Promise.all([under, ...answers])).map((answer) => answer.status);
    assert.equal(statuses.filter((status) => status === 429).length, 1);
  });

  it("turns away the deploy that would be the 21st to wait, and says when to come back", async () => {
    const under = post("hello", "first");
    await built(1);
    const answers = Array.from({ length: 21 }, (_, index) => post("hello", `waiting ${index}`));
    const refused = await Promise.race(answers);
    assert.equal(refused.status, 429);
    assert.equal(refused.body.code, "too_many_waiting");
    assert.equal(refused.headers["retry-after"], "5");
    release();
    const statuses = (await Promise.all([under, ...answers])).map((answer) => answer.status);
    assert.equal(statuses.filter((status) => status === 429).length, 1);
    assert.equal(statuses.filter((status) => status < 300).length, 21);
  });

  it("removes a function after the deploys that came before, so that none brings it back", async () => {
    const deploying = post("hello", "one");
    await built(1);
    const removing = request(skiff.url)
      .delete("/func/hello")
      .then((answer) => answer);
    await eventually("the request to remove", () => skiff.arrived() === 2);
    release();
    assert.equal((await deploying).status, 201);
    assert.equal((await removing).status, 200);
    assert.equal(await skiff.platform.describe("hello"), undefined);
  });

  it("stops the build of a client that leaves, and changes nothing", async () => {
    const leave = leaver("hello", "one");
    await built(1);
    leave();
    await eventually("the end of the build", () => skiff.builder.aborted === 1);
    await eventually("a line on the terminal", () => skiff.lines.length === 1);
    assert.equal(skiff.lines[0], "not deployed: hello: the client left before the answer");
    assert.equal(await skiff.platform.describe("hello"), undefined);
  });

  it("does not publish what a builder made that did not stop", async () => {
    skiff.builder.stubborn = true;
    const leave = leaver("hello", "one");
    await built(1);
    leave();
    await eventually("the end of the request", () => skiff.builder.aborted === 1);
    release();
    await eventually("a line on the terminal", () => skiff.lines.length === 1);
    assert.match(skiff.lines[0]!, /client left/);
    assert.equal(await skiff.platform.describe("hello"), undefined);
  });

  it("never builds for a client that leaves while it waits", async () => {
    const first = post("hello", "one");
    await built(1);
    const leave = leaver("hello", "two");
    const other = post("other", "other");
    await built(2);
    leave();
    await eventually("a line on the terminal", () => skiff.lines.some((line) => /client left/.test(line)));
    release();
    await Promise.all([first, other]);
    assert.deepEqual(skiff.builder.built, ["one", "other"]);
    assert.equal((await skiff.platform.describe("hello"))!.version, 1);
  });

  it("completes a publish that has begun although the client leaves", async () => {
    const started = Promise.withResolvers<void>();
    const hold = Promise.withResolvers<void>();
    const platform = new FakePlatform({
      start: async () => {
        started.resolve();
        await hold.promise;
        return { unix: "/nonexistent/fake.sock" };
      },
    });
    await skiff.stop();
    skiff = await startManager({ platform });
    const leave = leaver("hello", "one");
    await started.promise;
    leave();
    hold.resolve();
    await eventually("the version", async () => (await platform.describe("hello"))?.version === 1);
  });

  it("lets deploys under way finish when Skiff shuts down, and takes no new ones", async () => {
    const under = post("hello", "one");
    await built(1);
    const closing = skiff.manager.close({ drainMs: 5_000 });
    const refused = await post("other", "two");
    assert.equal(refused.status, 503);
    assert.equal(refused.body.code, "draining");
    release();
    assert.equal((await under).status, 201);
    await closing;
  });

  it("stops deploys that have not begun to publish when the time to drain is over", async () => {
    const under = post("hello", "one");
    await built(1);
    await skiff.manager.close({ drainMs: 5 });
    const answer = await under;
    assert.equal(answer.status, 503);
    assert.equal(answer.body.code, "draining");
    assert.equal(await skiff.platform.describe("hello"), undefined);
  });
});
