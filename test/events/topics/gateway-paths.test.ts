import assert from "node:assert/strict";
import { gatewayPaths, topicOfPath } from "../../../events/topics/requests/gateway-paths.ts";
import { threadMs } from "../../support/processor/thread-time.ts";

describe("the paths of a gateway", () => {
  const paths = gatewayPaths([
    { name: "b", paths: ["/test", "/both"] },
    { name: "a", paths: ["/test/deep", "/both"] },
  ]);
  const of = (path: string) => topicOfPath(paths, path);

  it("lead to the topic with the longest beginning, by whole segments", () => {
    assert.equal(of("/test"), "b");
    assert.equal(of("/test/"), "b");
    assert.equal(of("/test/hello/x"), "b");
    assert.equal(of("/test/deep/x"), "a");
    assert.equal(of("/test/deeper"), "b");
    assert.equal(of("/testing"), undefined);
    assert.equal(of("/"), undefined);
  });

  it("are compared as they were sent", () => {
    assert.equal(of("/t%65st/x"), undefined);
    assert.equal(of("//test"), undefined);
  });

  it("belong to the first topic by name", () => {
    assert.equal(of("/both/x"), "a");
  });

  it("may be everything", () => {
    const all = gatewayPaths([
      { name: "all", paths: ["/"] },
      { name: "some", paths: ["/some"] },
    ]);
    assert.equal(topicOfPath(all, "/some/x"), "some");
    assert.equal(topicOfPath(all, "/other"), "all");
    assert.equal(topicOfPath(all, "/"), "all");
  });

  it("take little time for a long path", () => {
    const path = `/test${"/a".repeat(16_000)}`;
    const startMs = threadMs();
    for (let count = 0; count < 100; count++) assert.equal(of(path), "b");
    assert.ok(threadMs() - startMs < 5_000);
  });
});
