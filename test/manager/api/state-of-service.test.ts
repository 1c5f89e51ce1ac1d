import { strict as assert } from "node:assert";
import request from "supertest";
import { type StartedManager, startManager } from "../started-manager.ts";

describe("manager: what it tells about itself", () => {
  let skiff: StartedManager;
  let reason: string | undefined;
  beforeEach(async () => {
    reason = undefined;
    skiff = await startManager({ ready: () => reason });
  });
  afterEach(() => skiff.stop());

  it("greets a person with the lines to deploy and to call", async () => {
    const answer = await request(skiff.url)
      .get("/")
      .expect(200)
      .expect("content-type", /^text\/plain/);
    assert.ok(answer.text.includes(`curl --data-binary @hello.ts -X POST ${skiff.url}/func\\?name=hello`));
    assert.ok(answer.text.includes(`curl ${skiff.url}/fn/hello`));
  });

  it("is healthy as long as it lives", async () => {
    reason = "the state is being read";
    await request(skiff.url).get("/healthz").expect(200, "ok\n");
    await skiff.manager.close();
    await request(skiff.url).get("/healthz").expect(200, "ok\n");
  });

  it("is ready when the composition root says so, and else says why not", async () => {
    await request(skiff.url).get("/readyz").expect(200, "ready\n");
    reason = "the state is being read";
    const answer = await request(skiff.url).get("/readyz").expect(503);
    assert.equal(answer.body.code, "not_ready");
    assert.equal(answer.body.detail, "Not ready yet: the state is being read.");
    assert.equal(answer.headers["retry-after"], "1");
  });

  it("is not ready while it shuts down, and does nothing else either", async () => {
    await skiff.manager.close();
    for (const path of ["/readyz", "/func", "/", "/metrics", "/nowhere"]) {
      const answer = await request(skiff.url).get(path).expect(503);
      assert.equal(answer.body.code, "draining", path);
      assert.equal(answer.headers["retry-after"], "1");
    }
  });

  it("gives the metrics as Prometheus reads them", async () => {
    const answer = await request(skiff.url).get("/metrics").expect(200, "skiff_up 1\n");
    assert.equal(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  });
});
