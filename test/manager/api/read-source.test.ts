import { strict as assert } from "node:assert";
import { gzipSync } from "node:zlib";
import request from "supertest";
import type { SourceType } from "../../../platform/platform.ts";
import { publish } from "../../support/platform/deploying.ts";
import { draftOfContent } from "../../support/platform/draft.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

describe("manager: reading the source of a function", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  const post = (bytes: Uint8Array, type: SourceType) =>
    publish(
      skiff.platform,
      draftOfContent("hello", {
        source: { bytes, type },
        artifact: { kind: "module", code: new Uint8Array() },
      }),
    );
  const read = (query = "") =>
    request(skiff.url)
      .get(`/func/hello/source${query}`)
      .buffer(true)
      .parse((response, done) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => done(null, Buffer.concat(chunks)));
      });

  const kinds: readonly [SourceType, contentType: string, fileName: string][] = [
    ["text/typescript", "text/typescript; charset=utf-8", "hello-1.ts"],
    ["application/x-tar", "application/x-tar", "hello-1.tar"],
    ["application/gzip", "application/gzip", "hello-1.tar.gz"],
    ["application/zip", "application/zip", "hello-1.zip"],
  ];
  for (const [type, contentType, fileName] of kinds) {
    it(`gives back a source of ${type} byte for byte`, async () => {
      const bytes = gzipSync(Buffer.from([0, 255, 13, 10, 128]));
      await post(bytes, type);
      const answer = await read().expect(200);
      assert.deepEqual(answer.body, bytes);
      assert.equal(answer.headers["content-type"], contentType);
      assert.equal(answer.headers["content-disposition"], `attachment; filename="${fileName}"`);
      assert.equal(answer.headers["content-length"], String(bytes.length));
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
    });
  }

  it("gives back an older version", async () => {
    await post(Buffer.from("one"), "text/typescript");
    await post(Buffer.from("two"), "text/typescript");
    assert.equal(String((await read("?version=1").expect(200)).body), "one");
    assert.equal(String((await read().expect(200)).body), "two");
  });

  it("tells an unknown version from an unknown function", async () => {
    await request(skiff.url)
      .get("/func/hello/source?version=1")
      .expect(404, /unknown_function/);
    await post(Buffer.from("one"), "text/typescript");
    const answer = await request(skiff.url).get("/func/hello/source?version=2").expect(404);
    assert.equal(answer.body.code, "unknown_version");
    assert.match(answer.body.detail, /no version 2\. Versions kept: 1\./);
  });

  for (const version of ["0", "-1", "x", "1e3", ""]) {
    it(`refuses version=${version}`, async () => {
      const answer = await request(skiff.url).get(`/func/hello/source?version=${version}`).expect(400);
      assert.equal(answer.body.code, "invalid_request");
    });
  }
});
