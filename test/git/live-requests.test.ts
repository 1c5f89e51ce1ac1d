import assert from "node:assert/strict";
import { LiveRequests } from "../../manager/git/live-requests.ts";

describe("LiveRequests", () => {
  const live = new LiveRequests();

  it("knows where the refs were since the oldest request began, when a note is older", () => {
    assert.deepEqual(live.noteTips("a", ["1"]), []);
    const first = live.begin("a");
    assert.equal(live.noteTips("a", ["2"]), undefined);
    const second = live.begin("a");
    assert.equal(live.noteTips("a", ["3"]), undefined);
    live.begin("b");
    live.end(first);
    assert.deepEqual(live.noteTips("a", ["4"]), ["2", "3"]);
    assert.equal(live.noteTips("a", ["5"]), undefined);
    live.begin("a");
    live.end(second);
    assert.deepEqual(live.noteTips("a", ["6"]), ["4", "5"]);
  });

  it("needs no note when there is no request", () => {
    assert.deepEqual(live.noteTips("c", ["1"]), []);
    const request = live.begin("c");
    assert.equal(live.noteTips("c", ["2"]), undefined);
    live.end(request);
    assert.deepEqual(live.noteTips("c", ["3"]), []);
    live.begin("c");
    assert.equal(live.noteTips("c", ["4"]), undefined);
  });
});
