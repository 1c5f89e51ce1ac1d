import assert from "node:assert/strict";
import { deploy, isSameVersion } from "../../platform/deploying.ts";
import { Problem } from "../../platform/problems.ts";
import { answering, draftOf } from "../support/platform/draft.ts";
import { FakePlatform } from "../support/platform/fake-platform.ts";

describe("deploying", () => {
  it("stores a version and sends all calls to it", async () => {
    const platform = new FakePlatform();
    const one = await deploy(platform, draftOf("f", answering("one")));
    assert.deepEqual(one, { name: "f", version: 1, created: true, unchanged: false });
    const two = await deploy(platform, draftOf("f", answering("two")));
    assert.deepEqual(two, { name: "f", version: 2, created: false, unchanged: false });
    assert.deepEqual(platform.endpoints("f")?.traffic, [{ version: 2, weight: 1 }]);
  });

  it("changes nothing for the current version, and makes a new one of an older", async () => {
    const platform = new FakePlatform();
    for (const text of ["one", "two"]) await deploy(platform, draftOf("f", answering(text)));
    const before = platform.endpoints("f");
    const again = await deploy(platform, draftOf("f", answering("two")));
    assert.deepEqual(again, { name: "f", version: 2, created: false, unchanged: true });
    assert.equal(platform.endpoints("f"), before);
    assert.equal((await deploy(platform, draftOf("f", answering("one")))).version, 3);
  });

  it("compares with the version that has most of the traffic, not with the newest", async () => {
    const platform = new FakePlatform();
    for (const text of ["one", "two"]) await deploy(platform, draftOf("f", answering(text)));
    await platform.route("f", [{ version: 1, weight: 1 }]);
    assert.equal((await deploy(platform, draftOf("f", answering("one")))).unchanged, true);
    assert.equal((await deploy(platform, draftOf("f", answering("two")))).version, 3);
  });

  it("leaves the version stored, without calls, when they cannot be sent to it", async () => {
    const platform = new FakePlatform();
    await deploy(platform, draftOf("f", answering("one")));
    const refusal = new Problem("start_failed", "It does not start.");
    platform.route = () => Promise.reject(refusal);
    await assert.rejects(deploy(platform, draftOf("f", answering("two"))), refusal);
    const described = await platform.describe("f");
    assert.deepEqual([described?.version, described?.versions.length], [1, 2]);
  });

  it("sends calls to a version that was stored and never routed, without storing it again", async () => {
    const platform = new FakePlatform();
    await platform.store(draftOf("f", answering("one")));
    const published = await deploy(platform, draftOf("f", answering("one")));
    assert.deepEqual(published, { name: "f", version: 1, created: false, unchanged: false });
    assert.deepEqual(platform.endpoints("f")?.traffic, [{ version: 1, weight: 1 }]);
  });

  it("knows a version of an older Skiff by its source and settings, whatever its hash is", () => {
    const draft = draftOf("f", answering("one"));
    const older = { ...draft, hash: "made in another way" };
    assert.ok(isSameVersion(older, draft));
    assert.ok(!isSameVersion({ ...older, settings: { ...draft.settings, min: 1 } }, draft));
    assert.ok(!isSameVersion({ ...older, sourceHash: "another" }, draft));
  });
});
