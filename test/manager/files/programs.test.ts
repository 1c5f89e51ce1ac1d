import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { load } from "js-yaml";
import request from "supertest";
import { extract } from "tar-stream";
import { Problem } from "../../../platform/problems.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { type StartedManager, startManager } from "../started-manager.ts";
import { type Applied, actions, apply } from "./folders.ts";

const SHELL = "#!/bin/sh\ncat\n";

describe("manager: programs and images in a folder", () => {
  let skiff: StartedManager;
  let digit = "1";
  beforeEach(async () => {
    digit = "1";
    const images = {
      async resolve(image: string) {
        if (image.includes("gone")) throw new Problem("image_unavailable", `${image} does not exist.`);
        return { image, digest: `sha256:${digit.repeat(64)}` };
      },
    };
    skiff = await startManager({ platform: Object.assign(new FakePlatform(), { images }) });
  });
  afterEach(() => skiff.stop());

  const FILES = {
    "skiff.yaml": `functions:
  echo: { runtime: program, memory: 64Mi }
  run: { runtime: program, source: tools/run.sh }
  web: { image: "nginx:1" }
`,
    ...{ echo: SHELL, "tools/run.sh": "#!/bin/sh\nexit\n" },
  };

  it("are deployed, and unchanged the second time", async () => {
    const first = await apply(skiff.url, FILES);
    assert.deepEqual(actions(first), ["create echo done", "create run done", "create web done"]);
    const types = await Promise.all(
      ["echo", "run", "web"].map(async (name) => (await skiff.platform.readSource(name))?.type),
    );
    const program = "application/octet-stream";
    assert.deepEqual(types, [program, program, "application/vnd.skiff.image+json"]);
    assert.equal((await skiff.platform.find("web"))?.settings.runtime, "image");
    const again = (await apply(skiff.url, FILES)).body as Applied;
    assert.deepEqual(
      again.functions.map(({ action }) => action),
      ["unchanged", "unchanged", "unchanged"],
    );
  });

  it("have their changes in the diff: of a moved tag the digest", async () => {
    await apply(skiff.url, FILES);
    digit = "2";
    const changed = { ...FILES, echo: "#!/bin/sh\ntac\n" };
    const { functions } = (await apply(skiff.url, changed, "dryRun")).body as Applied;
    const diffs = Object.fromEntries(functions.map(({ name, diff }) => [name, diff]));
    assert.match(diffs.echo!, /-cat\n\+tac/);
    assert.match(diffs.web!, /-.*sha256:1111.*\n\+.*sha256:2222/);
    assert.equal(diffs.run, "");
  });

  it("come out of an export as they went in", async () => {
    await apply(skiff.url, FILES);
    const { body } = await request(skiff.url)
      .get("/export")
      .buffer()
      .parse((response, done) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk)).on("end", () => done(null, Buffer.concat(chunks)));
      });
    const files = await filesOf(body);
    assert.deepEqual([files.echo, files.run], [SHELL, "#!/bin/sh\nexit\n"]);
    assert.deepEqual((load(files["skiff.yaml"]!) as { functions: unknown }).functions, {
      echo: { memory: "64Mi", runtime: "program" },
      run: { runtime: "program" },
      web: { image: `nginx:1@sha256:${"1".repeat(64)}` },
    });
    const again = await request(skiff.url).post("/apply").set("content-type", "application/gzip").send(body);
    assert.deepEqual(
      (again.body as Applied).functions.map(({ action }) => action),
      ["unchanged", "unchanged", "unchanged"],
    );
  });

  it("name one image or one source", async () => {
    const both = await apply(skiff.url, {
      "skiff.yaml": "functions:\n  a: { image: nginx, source: a.ts }\n",
    });
    assert.equal(both.status, 400);
    assert.match(JSON.stringify(both.body), /source and image exclude each other/);
    const wrong = await apply(skiff.url, { "skiff.yaml": "functions:\n  a: { image: 3 }\n" });
    assert.match(JSON.stringify(wrong.body), /image must be the name of an image/);
    const gone = await apply(skiff.url, { "skiff.yaml": "functions:\n  a: { image: gone }\n" });
    assert.deepEqual([gone.status, gone.body.code], [422, "image_unavailable"]);
  });

  it("are one function with its settings at the top", async () => {
    const one = await apply(skiff.url, { "skiff.yaml": "name: web\nimage: nginx:1\nmemory: 64Mi\n" });
    assert.deepEqual(actions(one), ["create web done"]);
    const { runtime, memoryMiB } = (await skiff.platform.find("web"))!.settings;
    assert.deepEqual([runtime, memoryMiB], ["image", 64]);
  });

  it("give their source and their diff", async () => {
    await apply(skiff.url, FILES);
    digit = "2";
    await request(skiff.url).put("/func/web?image=nginx:1").expect(200);
    const { text } = await request(skiff.url).get("/func/web/versions/2/diff").expect(200);
    assert.match(text, /source\/image\.json(.|\n)*-.*1111.*\n\+.*2222/);
    await request(skiff.url).post("/func/web/rollback").expect(200);
    assert.equal((await skiff.platform.describe("web"))?.version, 1);
  });
});

/** The files of a tar.gz as text. */
async function filesOf(archive: Buffer): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const unpacking = extract();
  unpacking.end(gunzipSync(archive));
  for await (const entry of unpacking) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    files[entry.header.name] = Buffer.concat(chunks).toString();
  }
  return files;
}
